/** The composition of an appliance: which service gets which. */
export { type Appliance, openAppliance } from './appliance.ts'
export type { StoresSettings } from './cluster-place.ts'
export { type ClusterStatus, clusterStatus } from './cluster-status.ts'
export { type ClusterNode, openNode } from './node.ts'
export { Opened } from './opened.ts'
export type { StoredPhase, StoredReport } from './stored-check.ts'
export { openStores, type Stores } from './stores.ts'
