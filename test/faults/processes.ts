import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  readonly pid: number
  /** Tells it from a later process with the same number: ticks since the machine's start. */
  readonly started: string
  readonly parent: number
  /** Its arguments, with spaces between. */
  readonly command: string
}

/** Children, their children and so on, as /proc shows them now. Ended ones that nobody waited for are left out. */
export function descendantsOf(pid: number): Process[] {
  const all = allProcesses()
  const found: Process[] = []
  const parents = new Set([pid])
  // A child may stand before its parent in the list, so it is gone through until nothing is added.
  for (let before = -1; before !== found.length; ) {
    before = found.length
    for (const process of all) {
      if (!parents.has(process.parent) || parents.has(process.pid)) continue
      parents.add(process.pid)
      found.push(process)
    }
  }
  return found
}

/** Those that are still there. */
export function remainingOf(processes: readonly Process[]): Process[] {
  return processes.filter(({ pid, started }) => readProcess(pid)?.started === started)
}

/** Processes with a text among their arguments, such as the path of a data folder. */
export function processesNaming(text: string): Process[] {
  return allProcesses().filter(({ command }) => command.includes(text))
}

function allProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
}

function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; what follows it is fields.
    const [state, parent, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return null
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
    return { pid, parent: Number(parent), started: fields[17] ?? '', command }
  } catch {
    return null
  }
}
