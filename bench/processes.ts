/** What Linux counts of the processes that a benchmark has started. */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_A_SECOND = 100

/** The processes that a process has started, and those that these have. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...childrenOf(child)])
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** With its share of what several processes have in memory together (PSS). */
export function heldBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

export function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

export interface Worked {
  readonly parent: number
  readonly name: string
  /** That processors have worked for it, and for those of its processes that it has waited for. */
  readonly seconds: number
}

/** Null for one that is gone. */
export function workedBy(pid: number): Worked | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), name, seconds: ticks / TICKS_A_SECOND }
  } catch {
    return null
  }
}
