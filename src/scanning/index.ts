export type { Lane } from './lanes.ts'
export { defaultLimits, type ScanLimits } from './limits.ts'
export type { Log } from './log.ts'
export { type PoolOptions, type PoolStatistics, type RunOptions, WorkerPool } from './pool.ts'
export type {
  Digests,
  ExternalVariables,
  Identification,
  RuleHit,
  RuleSet,
  RunnableRuleset,
  ScanTrouble,
  StringHit,
  TaskInput,
  TaskKind,
  TaskMap,
  TaskOutput,
} from './tasks.ts'
