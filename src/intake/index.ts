export {
  type Arrival,
  type Arriving,
  defaultIntakeLimits,
  Intake,
  type IntakeLimits,
  type QueueStatus,
} from './intake.ts'
