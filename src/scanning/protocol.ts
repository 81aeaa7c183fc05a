/** What the pool and a worker process say to each other. */
import type { FailureCode } from '../errors/index.ts'
import type { EngineChoice } from './engine.ts'
import type { ScanLimits } from './limits.ts'
import type { RunnableRuleset, ScanError, TaskInput, TaskKind, TaskOutput } from './tasks.ts'

export type VerifyResult = TaskOutput<'verify'>['results'][number]

/** What a task must leave out, after a worker was lost over it. Items are positions in a `verify` task's list. */
export interface Exclusions {
  /** A ruleset that is not tried again on an item, and what is reported instead; `ruleset` null: none is. */
  readonly pairs: readonly { readonly item: number; readonly ruleset: string | null; readonly failure: ScanFailure }[]
  /** A module of the engine that is not asked about an item: it fails there, whatever the rules. */
  readonly modules: readonly { readonly item: number; readonly module: string; readonly failure: ScanFailure }[]
  /**
   * Before anything is scanned with: does the engine, or a module that this ruleset imports, fail on the item by
   * itself?
   */
  readonly probes: readonly { readonly item: number; readonly ruleset: string }[]
  readonly allowed: AllowedSteps
  /** Items of a `verify` task whose results are in already. */
  readonly done: readonly number[]
}

/** Steps that a task may take; false for one that a worker was lost over. */
export interface AllowedSteps {
  /** Scanning with bundles. Without it rulesets are scanned with one by one, so that the one at fault shows itself. */
  readonly bundles: boolean
  /** Asking plans. Without it every ruleset may match. */
  readonly plans: boolean
  /** Asking libmagic. Without it the headers alone decide what the sample is. */
  readonly libmagic: boolean
  /** Asking the engine for a program's header and signatures. Without it these are not known. */
  readonly signers: boolean
  /** Reading what a program is made of. Without it that is not known. */
  readonly programs: boolean
  /** Examining in a `copyAndHash` task. Without it the task only copies. */
  readonly examining: boolean
}

export type ScanFailure = Pick<ScanError, 'reason' | 'message'>

export interface WorkerTask<K extends TaskKind = TaskKind> {
  readonly id: number
  readonly kind: K
  readonly input: TaskInput<K>
  readonly exclusions: Exclusions
}

/** Known rulesets are never sent again; one with a `failure` is answered with that instead of being run. */
export interface KnownRuleset {
  readonly ruleset: RunnableRuleset
  readonly failure: ScanFailure | null
}

export type ToWorker =
  | { readonly type: 'rulesets'; readonly rulesets: readonly KnownRuleset[] }
  | {
      readonly type: 'set'
      readonly id: string
      readonly keys: readonly string[]
      readonly warm: boolean
      /** Its rulesets may be compiled together. */
      readonly bundles: boolean
      /** Which of them; null: as they come. */
      readonly groups: readonly (readonly string[])[] | null
    }
  /** Which rulesets of this set are compiled together from now on. */
  | { readonly type: 'arrange'; readonly set: string; readonly groups: readonly (readonly string[])[] }
  /** The rulesets of this set are not compiled together any more. */
  | { readonly type: 'apart'; readonly set: string }
  | { readonly type: 'forget'; readonly sets: readonly string[]; readonly keys: readonly string[] }
  | { readonly type: 'quarantine'; readonly key: string; readonly failure: ScanFailure }
  /** These are run again. */
  | { readonly type: 'release'; readonly keys: readonly string[] }
  /** One task, or several short ones that are done in this order. */
  | { readonly type: 'tasks'; readonly tasks: readonly WorkerTask[] }
  /** Stop at the next item or task; the rest will be asked again, or not. */
  | { readonly type: 'pause' }

export type FromWorker =
  /** `isSlow`: it has no engine that is built for this machine. */
  | { readonly type: 'ready'; readonly isSlow: boolean }
  /** Items of a `verify` task that are decided, as they come. */
  | { readonly type: 'items'; readonly task: number; readonly items: readonly DecidedItem[] }
  | { readonly type: 'answers'; readonly answers: readonly Outcome[] }

/** What became of one task; several travel together. */
export type Outcome =
  | { readonly type: 'done'; readonly task: number; readonly output: TaskOutput<TaskKind> | null }
  | { readonly type: 'paused'; readonly task: number }
  | {
      readonly type: 'failed'
      readonly task: number
      readonly message: string
      /** Stack and causes within the process, for the log. */
      readonly trace: string
      /** Of a `Failure`; `system` is the operating system's, such as ENOENT. */
      readonly failure: FailureCode | null
      readonly system: string | null
    }

export interface DecidedItem {
  readonly item: number
  readonly result: VerifyResult
  readonly scannedBytes: number
}

/** The worker's only argument, as JSON. */
export interface WorkerArguments {
  readonly progressRecord: string
  readonly parent: number
  readonly limits: ScanLimits
  readonly engine: EngineChoice
}
