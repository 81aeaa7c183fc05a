import { Failure } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'
import { DatabaseHealth, type HuntPartState, openStoreOfNode, type StoredNode } from '../store/index.ts'
import { addressOf } from './cluster-place.ts'

export interface ClusterStatus {
  readonly nodes: readonly (StoredNode & {
    /** Parts of hunts that it holds. */
    readonly parts: number
  })[]
  /** Parts of running hunts that were offered, by hunt. */
  readonly hunts: readonly ({ readonly id: number } & Readonly<Record<HuntPartState, number>>)[]
}

/** As the database has it; the server need not run. Fails as a node does that cannot reach it. */
export async function clusterStatus(settings: Settings): Promise<ClusterStatus> {
  if (settings.database === '') {
    throw new Failure('settings.invalid', 'A cluster is known by its --database and its --store.')
  }
  const store = await openStoreOfNode(addressOf(settings), new DatabaseHealth())
  try {
    const parts = await store.huntParts.list()
    const nodes = await store.nodes.list()
    const count = (hunt: number, state: HuntPartState) =>
      parts.filter((part) => part.huntId === hunt && part.state === state).length
    const hunts = [...new Set(parts.map(({ huntId }) => huntId))].sort((a, b) => a - b)
    return {
      nodes: nodes.map((node) => ({
        ...node,
        parts: parts.filter(({ state, nodeId }) => state === 'claimed' && nodeId === node.id).length,
      })),
      hunts: hunts.map((id) => ({
        id,
        offered: count(id, 'offered'),
        claimed: count(id, 'claimed'),
        done: count(id, 'done'),
        failed: count(id, 'failed'),
      })),
    }
  } finally {
    await store.close()
  }
}
