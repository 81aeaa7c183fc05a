export { type Arrival, type Arriving, fileName } from './arriving.ts'
export { defaultIntakeLimits, Intake, type IntakeLimits, type IntakeParts, type QueueStatus } from './intake.ts'
