/** The composition of an appliance: which service gets which. */
export { type Appliance, openAppliance } from './appliance.ts'
export { type ClusterNode, openNode } from './node.ts'
export type { StoredPhase, StoredReport } from './stored-check.ts'
