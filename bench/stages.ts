/** For what processors work in a cluster on one machine. */
import { readdirSync } from 'node:fs'
import { type Worked, workedBy } from './processes.ts'

export const stages = ['nodes', 'server', 'PostgreSQL', 'object store', 'sender'] as const
export type Stage = (typeof stages)[number]
/** Seconds. */
export type Times = Readonly<Record<Stage, number>>

interface WithPid {
  readonly pid: number
}

/** What processors have worked so far for the processes that this one has started; the sender is this one. */
export function timesOf(servers: readonly WithPid[], nodes: readonly WithPid[]): Times {
  const times = { nodes: 0, server: 0, PostgreSQL: 0, 'object store': 0, sender: 0 }
  const all = new Map<number, Worked>()
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    const worked = workedBy(pid)
    if (worked !== null) all.set(pid, worked)
  }
  const known = new Map<number, Stage>([
    ...servers.map(({ pid }) => [pid, 'server'] as const),
    ...nodes.map(({ pid }) => [pid, 'nodes'] as const),
    [process.pid, 'sender'],
  ])
  const stageOf = (pid: number): Stage | null => {
    const own = known.get(pid)
    if (own !== undefined) return own
    const worked = all.get(pid)
    if (worked === undefined) return null
    const above = stageOf(worked.parent)
    if (above !== 'sender') return above
    return worked.name.startsWith('postgres') ? 'PostgreSQL' : 'object store'
  }
  for (const [pid, { seconds }] of all) {
    const stage = stageOf(pid)
    if (stage !== null) times[stage] += seconds
  }
  return times
}

export function since(before: Times, after: Times): Times {
  return Object.fromEntries(stages.map((stage) => [stage, after[stage] - before[stage]])) as unknown as Times
}
