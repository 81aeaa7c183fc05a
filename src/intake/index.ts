export type { MatchRecord } from './completion.ts'
export { Intake, type IntakeLimits, type IntakeParts, type QueueStatus } from './intake.ts'
export { Reanalysis, type Requested } from './reanalysis.ts'
export { fileName, folderOf, type IngestReceipt, type UploadInfo } from './staged-file.ts'
