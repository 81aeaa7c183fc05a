/** Quotas: how much a user may send in a day, and have stored. */
export { type Quota, Quotas, type QuotaUse, type Sending } from './quotas.ts'
