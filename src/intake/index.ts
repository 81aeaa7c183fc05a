export type { Arrival, Arriving } from './arriving.ts'
export { defaultIntakeLimits, Intake, type IntakeLimits, type IntakeParts, type QueueStatus } from './intake.ts'
