import { Failure } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'
import {
  DatabaseHealth,
  type HuntPartKind,
  type HuntPartState,
  type Micros,
  now,
  openStoreOfNode,
  type Store,
  type StoredNode,
  type StoredServer,
} from '../store/index.ts'
import { addressOf } from './cluster-place.ts'
import { SILENT_MS } from './server-entry.ts'

/** What a server is there for now. One that is gone, or cannot reach the database, has given no sign for a while. */
export type ServerRole = 'works' | 'stands by' | 'passes on' | 'gone'

export interface ClusterStatus {
  readonly servers: readonly (StoredServer & { readonly role: ServerRole })[]
  readonly nodes: readonly (StoredNode & {
    /** Parts that it holds. */
    readonly parts: number
  })[]
  /** Parts of running hunts that were offered, by hunt. */
  readonly hunts: readonly ({ readonly id: number } & PartsByState)[]
  /** Parts of samples that arrive, and of the index; null for none. */
  readonly intake: PartsByState | null
  readonly index: PartsByState | null
  /** All of them, by what is done with them and by whom. */
  readonly parts: readonly AlikeParts[]
}

type PartsByState = Readonly<Record<HuntPartState, number>>

/** Parts that have all of this in common. */
export interface AlikeParts {
  /** Null where they are of no hunt. */
  readonly hunt: number | null
  readonly kind: HuntPartKind
  readonly state: HuntPartState
  /** Who holds them, or has done them. */
  readonly node: number | null
  readonly count: number
  /** Of the oldest. */
  readonly since: Micros
}

/** As the database has it; the server need not run. Fails as a node does that cannot reach it. */
export async function clusterStatus(settings: Settings): Promise<ClusterStatus> {
  if (settings.database === '') {
    throw new Failure('settings.invalid', 'A cluster is known by its --database and its --store.')
  }
  const store = await openStoreOfNode(addressOf(settings), new DatabaseHealth())
  try {
    return await clusterStatusOf(store)
  } finally {
    await store.close()
  }
}

export async function clusterStatusOf(store: Pick<Store, 'servers' | 'nodes' | 'huntParts'>): Promise<ClusterStatus> {
  const rows = await store.huntParts.list()
  const nodes = await store.nodes.list()
  const servers = await store.servers.list()
  const alike = Map.groupBy(rows, ({ huntId, kind, state, nodeId }) => `${huntId} ${kind} ${state} ${nodeId}`)
  const parts = [...alike.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : {
          ...{ hunt: first.huntId, kind: first.kind, state: first.state, node: first.nodeId },
          count: 1 + others.length,
          since: Math.min(first.created, ...others.map(({ created }) => created)),
        },
  )
  const count = (of: (part: AlikeParts) => boolean) => parts.filter(of).reduce((sum, { count }) => sum + count, 0)
  const hunts = [...new Set(parts.flatMap(({ hunt }) => hunt ?? []))].sort((a, b) => a - b)
  const byState = (of: (part: AlikeParts) => boolean): PartsByState => {
    const ofState = (state: HuntPartState) => count((part) => of(part) && part.state === state)
    return {
      offered: ofState('offered'),
      claimed: ofState('claimed'),
      done: ofState('done'),
      failed: ofState('failed'),
    }
  }
  const ofKind = (kind: HuntPartKind) =>
    parts.some((part) => part.kind === kind) ? byState((part) => part.kind === kind) : null
  return {
    servers: servers.map((server) => ({ ...server, role: roleOf(server) })),
    nodes: nodes.map((node) => ({
      ...node,
      parts: count((part) => part.state === 'claimed' && part.node === node.id),
    })),
    hunts: hunts.map((id) => ({ id, ...byState(({ hunt }) => hunt === id) })),
    intake: ofKind('examine'),
    index: ofKind('merge'),
    parts,
  }
}

function roleOf({ seen, isActive, workers }: StoredServer): ServerRole {
  if (now() - seen > SILENT_MS * 1_000) return 'gone'
  if (isActive) return 'works'
  return workers === 0 ? 'passes on' : 'stands by'
}
