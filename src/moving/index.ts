/** Moves of a whole data folder into a cluster, and back. */
export { moveIntoCluster } from './into-cluster.ts'
export type { Moved, MoveOptions, MovePhase, MoveProgress } from './move.ts'
export { moveOutOfCluster } from './out-of-cluster.ts'
