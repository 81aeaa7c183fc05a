/** Repositories and archives that rulesets are fetched from, and kept up to date with. */
export type { GivenFile } from './fetching/order.ts'
export { type ImportState, RuleImports } from './imports.ts'
export { modes } from './modes.ts'
export type { Explain, Preview, PreviewedFile } from './preview.ts'
export {
  type EndedRun,
  RuleSources,
  type SourceFile,
  type SourceSpec,
  type SourceState,
} from './rule-sources.ts'
export type { Activity } from './source-turns.ts'
export type { SyncOutcome } from './synchronization.ts'
