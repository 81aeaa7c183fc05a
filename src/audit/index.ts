/** The audit log: who did what to which ruleset, sample, hunt or user, and who was refused. */
export type { AuditEntry, AuditFilter } from '../store/index.ts'
export { AuditLog } from './audit-log.ts'
