export { asksForNames } from './asking-for-names.ts'
export type { EngineChoice } from './engine.ts'
export { type HitString, hitString } from './hit-string.ts'
export type { ScanLimits } from './limits.ts'
export type { Log } from './log.ts'
export { WorkerLost } from './outcome.ts'
export { WorkerPool } from './pool.ts'
export type { PoolOptions, PoolStatistics, RunOptions } from './pool-options.ts'
export type { Priority } from './priorities.ts'
export { matchKey, planDigest } from './ruleset-digests.ts'
export type {
  Digests,
  ExternalVariables,
  Identification,
  NameVariables,
  RuleHit,
  RuleSet,
  RunnableRuleset,
  ScanError,
  SegmentUse,
  StringHit,
  TaskInput,
  TaskKind,
  TaskMap,
  TaskOutput,
  TextPart,
  WithoutRules,
} from './tasks.ts'
