import type { TaskInput, TaskOutput } from '../scanning/index.ts'

/**
 * What hunts, intake and the index have done for them, part by part, by whoever has a copy of what it takes: this process, or
 * a node of the cluster. Inputs name segments and contents, never places of one machine.
 */
export interface JobMap {
  /** Asks a segment which samples the plans of a rule set cannot rule out. */
  evaluate: {
    /** `segment`: the name of its file. */
    input: Omit<TaskInput<'evaluate'>, 'ruleSet'>
    output: TaskOutput<'evaluate'>
  }
  /** Scans samples with the rulesets that remain for each. */
  verify: {
    input: { readonly items: readonly SampleToVerify[]; readonly strings: boolean }
    /** `tookMs`: how long it was under way where it was done. */
    output: TaskOutput<'verify'> & { readonly tookMs: number }
  }
  /** Finds out what samples that arrive are, and which of the live rules match them. */
  examine: {
    input: { readonly items: readonly SampleToExamine[] }
    /** In the order of the items; null for one that could not be examined there. */
    output: { readonly found: readonly (TaskOutput<'examine'> | null)[] }
  }
  /** Merges segments into one, which is stored. */
  merge: {
    /** Names of their files. */
    input: TaskInput<'merge'>
    output: TaskOutput<'merge'>
  }
}

export type SampleToVerify = Omit<TaskInput<'verify'>['items'][number], 'path'>
export type SampleToExamine = Omit<TaskInput<'examine'>, 'path' | 'ruleSet'>
export type JobKind = keyof JobMap

/** What jobs are for. The jobs of one lane do not keep those of another waiting. */
export type Lane = 'hunts' | 'intake' | 'index'
export const lanes: Readonly<Record<JobKind, Lane>> = {
  evaluate: 'hunts',
  verify: 'hunts',
  examine: 'intake',
  merge: 'index',
}

/** How many parts of a lane a node with so many workers has in hand: while it works on some, it fetches what others take. */
export function partsAtOnce(lane: Lane, workers: number): number {
  if (lane === 'index') return 1
  return lane === 'hunts' ? 2 * workers + 2 : workers + 2
}
export type JobInput<K extends JobKind> = JobMap[K]['input']
export type JobOutput<K extends JobKind> = JobMap[K]['output']
