/** An appliance's side of a group of appliances: what it publishes to the manager, and what it takes from there. */
export { type ManagerAccess, type ManagerSettings, managerAccess } from './access.ts'
export { PublicationOutbox } from './outbox.ts'
export { NOT_PUBLISHED, type Published, Publishing, type PublishingStatus, type SharedListing } from './publishing.ts'
export type { SyncState } from './sync-state.ts'
