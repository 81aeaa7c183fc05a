import type { TaskInput, TaskOutput } from '../scanning/index.ts'

/**
 * What a hunt has done for it, part by part, by whoever has a copy of what it takes: this process, or a node of the cluster.
 * Inputs name segments and contents, never places of one machine.
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
}

export type SampleToVerify = Omit<TaskInput<'verify'>['items'][number], 'path'>
export type JobKind = keyof JobMap
export type JobInput<K extends JobKind> = JobMap[K]['input']
export type JobOutput<K extends JobKind> = JobMap[K]['output']
