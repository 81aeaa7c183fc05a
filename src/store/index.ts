/**
 * Where everything is kept: rows behind the repositories of a `Store`, contents behind a `ContentStore`. Which database
 * answers, and how its tables look, is known in this folder alone.
 */

export type * from './allow-lists.ts'
export type * from './appliances.ts'
export type * from './arrivals.ts'
export type * from './audit.ts'
export type * from './bells.ts'
export type { Classification, StoredClassifications, UserClassification, Verdict } from './classifications.ts'
export { type Micros, now, toIso, toIsoOffset } from './clock.ts'
export type * from './cloud-feeds.ts'
export type * from './cloud-rulesets.ts'
export type * from './corpus.ts'
export type { Counted } from './counted.ts'
export { DATABASE, type DataFolderLock, lockDataFolder } from './data-folder.ts'
export { DatabaseHealth, type DatabaseState } from './database-health.ts'
export type * from './feeds.ts'
export {
  asStorageFailure,
  CONTENTS_FOLDER,
  type Content,
  type ContentLease,
  type ContentStore,
  contentFile,
  contentFolders,
  FileContents,
  isContentName,
  type Leftovers,
  realDisk,
  Scratch,
  type StagedContent,
  takeOverEarlierFolder,
  whileAllLeased,
  whileLeased,
} from './files/index.ts'
export type * from './hits.ts'
export type * from './hunt-parts.ts'
export * from './hunts.ts'
export type * from './intake.ts'
export type * from './journal.ts'
export { isAnswerLost } from './lost-answer.ts'
export {
  type FolderMove,
  MOVING_FILE,
  RESTORING,
  readFolderMove,
  refuseLostDatabase,
  refuseUnfinishedMove,
} from './lost-database.ts'
export * from './matches.ts'
export type * from './members.ts'
export type * from './new-names.ts'
export type * from './nodes.ts'
export * from './notifications.ts'
export type * from './outbox.ts'
export { offsetOf, type Page } from './page.ts'
export {
  lockNode,
  lockServer,
  type NodeLock,
  openPostgresTables,
  openStoreOfNode,
  openStoreOfStandby,
  queueForServer,
  type ServerLock,
  type ServerQueue,
} from './postgres/index.ts'
export { makeFilesPrivate, makePrivate } from './private.ts'
export type * from './programs.ts'
export type * from './reanalyses.ts'
export { Reserve, type Room } from './reserve.ts'
export type * from './retention.ts'
export type * from './revisions.ts'
export type * from './rule-sources.ts'
export type * from './rule-summary.ts'
export type * from './rule-switches.ts'
export type * from './ruleset-tags.ts'
export * from './rulesets.ts'
export {
  Bucket,
  type BucketSettings,
  ChangedFile,
  CLUSTER_MARKER,
  contentFolder,
  contentKey,
  DAMAGED_OBJECTS,
  demandKnownPrefix,
  demandOwnPrefix,
  type FetchCopy,
  type HeldCopy,
  LocalCache,
  type Patience,
  readPlace,
  S3Contents,
} from './s3/index.ts'
export * from './sample-search.ts'
export type * from './samples.ts'
export type * from './scan-failures.ts'
export type * from './segments.ts'
export type * from './servers.ts'
export type * from './sessions.ts'
export type * from './settings.ts'
export type * from './shared-log.ts'
export type * from './shared-rulesets.ts'
export { inSmallLetters } from './sql/sample-conditions.ts'
export { checkDatabase } from './sqlite/checking.ts'
export { type CheckedAtStart, damagedDatabase, wayOut } from './sqlite/database.ts'
export { damageOfLog } from './sqlite/log-damage.ts'
export { newestSchema } from './sqlite/migrate.ts'
export { type Rebuilt, rebuildDatabase } from './sqlite/rebuilding.ts'
export { changeCopy, copyDatabase, DatabaseReader, type SampleRow, type SegmentRow } from './sqlite/snapshot.ts'
export type { CheckDepth } from './sqlite/soundness.ts'
export { openSoundStore } from './sqlite/store.ts'
export { openSqliteTables, type SqliteTables } from './sqlite/tables.ts'
export type * from './store.ts'
export { keyOf, MOVED, MOVING, type Row, RowsDigest, type TableShape, type Tables } from './tables.ts'
export type * from './tags.ts'
export type * from './tokens.ts'
export type { Isolation, UnitName } from './units-of-work.ts'
export { asUnusableFolder } from './unusable-folder.ts'
export type * from './users.ts'
