export type { CheckReport, IndexStatistics, SegmentFile, SegmentSnapshot, Unindexed } from './segments.ts'
export { Segments } from './segments.ts'
