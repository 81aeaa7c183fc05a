export { Intake, type IntakeLimits, type IntakeParts, type QueueStatus } from './intake.ts'
export { fileName, folderOf, type IngestReceipt, type UploadInfo } from './staged-file.ts'
