/** The appliance's side of a cloud: what has to reach it, what it found, and its hunts. */
export { type CloudAccess, type CloudSettings, cloudAccess } from './access.ts'
export { type CheckedPoint, checkCloud } from './check.ts'
export { Cloud, type CloudCondition } from './cloud.ts'
export type { CloudStatus, SideStatus } from './cloud-status.ts'
