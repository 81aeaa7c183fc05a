/** The machines of a cluster and what they do, for administrators. An addition to the specification. */
import type { Static } from 'typebox'
import type { Appliance, ClusterStatus } from '../../appliance/index.ts'
import { type Micros, now, toIso } from '../../store/index.ts'
import { ClusterShape } from '../contract/cluster.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

type Answer = Static<typeof ClusterShape>

export function addCluster(app: HttpServer, { appliance }: RouteParts): void {
  app.get(
    '/api/cluster/',
    {
      config: { access: 'cluster.read' },
      schema: {
        tags: ['operation'],
        operationId: 'getCluster',
        summary: 'List the servers and nodes of the cluster, what they do, and what waits',
        response: {
          200: ClusterShape,
          ...refusals(yaraEnvelope, { 403: 'No token, or an unknown one, or not an administrator’s.' }),
        },
      },
    },
    async (): Promise<Answer> => {
      const status = await appliance.cluster()
      return {
        alone: status === null,
        servers: (status?.servers ?? []).map(serverJson),
        nodes: (status?.nodes ?? []).map(nodeJson),
        parts: (status?.parts ?? []).map(({ since, ...part }) => ({ ...part, oldest_seconds: secondsSince(since) })),
        waiting: [...waitingHere(appliance), ...(status ? waitingForNodes(status) : [])],
      }
    },
  )
}

function serverJson({ isActive: _, beat: __, started, seen, ...server }: ClusterStatus['servers'][number]) {
  return { ...server, started: toIso(started), seen: toIso(seen) }
}

function nodeJson(node: ClusterStatus['nodes'][number]) {
  const { id, name, version, workers, parts, done, failed, refused } = node
  return {
    ...{ id, name, version, workers, parts, done, failed, refused },
    state: node.isConnected ? ('connected' as const) : ('gone' as const),
    started: toIso(node.started),
    seen: toIso(node.seen),
    cache_bytes: node.cacheBytes,
    cache_limit: node.cacheLimit,
  }
}

const kinds = {
  evaluate: 'segments to ask',
  verify: 'batches of candidates to scan',
  examine: 'batches of samples to examine',
  merge: 'segments to merge',
} as const
const priorities = {
  interactive: 'tasks that somebody waits for',
  live: 'tasks of samples that arrive',
  hunt: 'tasks of hunts',
  background: 'tasks in the background',
} as const

/** Of the server that works. */
function waitingHere({ pool, intake }: Pick<Appliance, 'pool' | 'intake'>): Answer['waiting'] {
  const { queued } = intake.status()
  const { waiting } = pool.statistics()
  const tasks = Object.entries(priorities).map(([priority, what]) => ({
    what,
    count: waiting[priority as keyof typeof priorities],
    why: 'All workers of the server are busy, with this or with what is more urgent.',
  }))
  return [{ what: 'samples', count: queued, why: 'Samples are examined in the order in which they came.' }, ...tasks]
    .filter(({ count }) => count > 0)
    .map((each) => ({ ...each, oldest_seconds: null }))
}

function waitingForNodes({ parts, nodes }: ClusterStatus): Answer['waiting'] {
  const hasNodes = nodes.some(({ isConnected }) => isConnected)
  const why = hasNodes
    ? 'All nodes have their hands full; the server takes them back when its own workers are free.'
    : 'No node is connected: the server does them as its workers are free.'
  return Object.entries(kinds).flatMap(([kind, what]) => {
    const offered = parts.filter((part) => part.kind === kind && part.state === 'offered')
    const count = offered.reduce((sum, part) => sum + part.count, 0)
    if (count === 0) return []
    return [{ what, count, oldest_seconds: secondsSince(Math.min(...offered.map(({ since }) => since))), why }]
  })
}

const secondsSince = (time: Micros): number => Math.max(0, Math.round((now() - time) / 1_000_000))
