/** Retention: which samples are deleted by themselves, after how long, and what keeps them. */
export {
  changeInWords,
  type RetentionPolicy,
  type RetentionRule,
} from './policy.ts'
export { Retention, type RetentionPreview, type RetentionRun } from './retention.ts'
