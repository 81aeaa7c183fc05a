import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ServerRole } from '../appliance/index.ts'
import type { ApplianceServices } from './appliance.ts'
import { described, type MetricName } from './metric-catalogue.ts'

const SERVER_ROLES = ['works', 'stands by', 'passes on', 'gone'] as const satisfies readonly ServerRole[]

export interface Metrics {
  readonly contentType: string
  /** In Prometheus' text format. */
  text(): Promise<string>
}

/** Measures every request, and reads what the services count when somebody asks. One registry per server. */
export function addMetrics(app: FastifyInstance, appliance: ApplianceServices): Metrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const registers = [register]

  const requests = new Histogram({
    ...described('backtrail_http_request_seconds'),
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the path: paths hold hashes and names without number.
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown')
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })

  // Counted once for all gauges of a scrape, and once a second however many scrape: the endpoint is open.
  const totals = onceASecond(() => appliance.samples.totals())
  new Gauge({
    ...described('backtrail_samples'),
    registers,
    async collect() {
      const { byClassification } = await totals()
      for (const [number, name] of ['unknown', 'goodware', 'suspicious', 'malicious'].entries()) {
        this.set({ classification: name }, byClassification[number] ?? 0)
      }
    },
  })
  new Gauge({
    ...described('backtrail_sample_bytes'),
    registers,
    async collect() {
      this.set((await totals()).bytes)
    },
  })
  new Gauge({
    ...described('backtrail_intake_samples'),
    registers,
    collect() {
      const { queued, processing } = appliance.intake.status()
      this.set({ state: 'queued' }, queued)
      this.set({ state: 'processing' }, processing)
    },
  })
  new Gauge({
    ...described('backtrail_database_sound'),
    registers,
    collect() {
      this.set(appliance.stored.status().database.state === 'damaged' ? 0 : 1)
    },
  })
  new Gauge({
    ...described('backtrail_contents_lost'),
    registers,
    collect() {
      this.reset()
      const { contents } = appliance.stored.status()
      // A gauge without labels starts with 0, which would be a promise.
      if (contents === null) this.remove()
      else this.set(contents.missing + contents.damaged)
    },
  })
  new Gauge({
    ...described('backtrail_local_retro_running'),
    registers,
    async collect() {
      const state = (await appliance.localRetro.status())?.state
      this.set(state === 'STARTING' || state === 'RUNNING' ? 1 : 0)
    },
  })
  new Gauge({
    ...described('backtrail_ad_hoc_hunts'),
    registers,
    collect() {
      this.set(appliance.adHocHunts.unfinished)
    },
  })
  new Gauge({
    ...described('backtrail_tenants_retro_hunts'),
    registers,
    collect() {
      this.set(appliance.tenants.retroHunts.unfinished)
    },
  })
  // Once a second however many scrape, as above.
  const cluster = onceASecond(() => appliance.cluster())
  new Gauge({
    ...described('backtrail_servers'),
    registers,
    async collect() {
      const status = await cluster()
      const count = (role: ServerRole) => status?.servers.filter((server) => server.role === role).length ?? 0
      for (const role of SERVER_ROLES) this.set({ role }, count(role))
      // One on a data folder is listed nowhere.
      if (status === null) this.set({ role: 'works' }, 1)
    },
  })
  new Gauge({
    ...described('backtrail_nodes'),
    registers,
    collect() {
      this.set(appliance.jobs.nodes.length)
    },
  })
  new Gauge({
    ...described('backtrail_hunt_parts'),
    registers,
    collect() {
      this.set(appliance.jobs.elsewhere())
    },
  })
  new Gauge({
    ...described('backtrail_node_cache_bytes'),
    registers,
    collect() {
      this.reset()
      for (const { id, name, cacheBytes } of appliance.jobs.nodes) this.set({ node: id, host: name }, cacheBytes)
    },
  })
  keptElsewhere('backtrail_node_parts_total', () =>
    appliance.jobs.nodes.flatMap(({ id, name, done, failed, refused }) =>
      Object.entries({ done, failed, refused }).map(([outcome, value]) => ({
        labels: { node: String(id), host: name, outcome },
        value,
      })),
    ),
  )
  new Gauge({
    ...described('backtrail_tasks_waiting'),
    registers,
    collect() {
      for (const [priority, waiting] of Object.entries(appliance.pool.statistics().waiting))
        this.set({ priority }, waiting)
    },
  })
  new Gauge({
    ...described('backtrail_worker_processes'),
    registers,
    collect() {
      const { processes } = appliance.pool.statistics()
      const busy = processes.filter((each) => each.busy).length
      this.set({ state: 'busy' }, busy)
      this.set({ state: 'idle' }, processes.length - busy)
    },
  })
  new Gauge({
    ...described('backtrail_worker_resident_bytes'),
    registers,
    collect() {
      const { processes } = appliance.pool.statistics()
      this.set(processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0))
    },
  })
  new Gauge({
    ...described('backtrail_notifications_waiting'),
    registers,
    async collect() {
      this.set((await appliance.notifications.backlog()).waiting)
    },
  })
  new Gauge({
    ...described('backtrail_notification_oldest_seconds'),
    registers,
    async collect() {
      this.set((await appliance.notifications.backlog()).oldestMs / 1000)
    },
  })
  keptElsewhere('backtrail_notifications_total', () =>
    Object.entries(appliance.notifications.counters).map(([outcome, value]) => ({ labels: { outcome }, value })),
  )
  new Gauge({
    ...described('backtrail_cloud_reachable'),
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).isReachable ? 1 : 0)
    },
  })
  new Gauge({
    ...described('backtrail_cloud_deliveries_waiting'),
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).waiting)
    },
  })
  new Gauge({
    ...described('backtrail_cloud_delivery_oldest_seconds'),
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).oldestMs / 1000)
    },
  })
  new Gauge({
    ...described('backtrail_cloud_feed_lag_seconds'),
    registers,
    async collect() {
      this.reset()
      for (const [feed, lag] of Object.entries((await appliance.cloud.condition()).feedLagMs)) {
        if (lag !== null) this.set({ feed }, lag / 1000)
      }
    },
  })
  keptElsewhere('backtrail_processed_samples_total', () => [{ labels: {}, value: appliance.intake.status().processed }])
  keptElsewhere('backtrail_processed_bytes_total', () => [{ labels: {}, value: appliance.intake.status().bytes }])
  keptElsewhere('backtrail_tasks_total', () => {
    const { finished, failed } = appliance.pool.statistics()
    return [
      { labels: { outcome: 'done' }, value: finished - failed },
      { labels: { outcome: 'failed' }, value: failed },
    ]
  })
  const used = (read: (total: ApplianceServices['indexUse']['total']) => number) => () => [
    { labels: {}, value: read(appliance.indexUse.total) },
  ]
  keptElsewhere(
    'backtrail_index_segments_total',
    used(({ segments }) => segments),
  )
  keptElsewhere(
    'backtrail_index_reads_total',
    used(({ reads }) => reads),
  )
  keptElsewhere(
    'backtrail_index_read_bytes_total',
    used(({ bytes }) => bytes),
  )
  keptElsewhere(
    'backtrail_index_processor_seconds_total',
    used(({ microseconds }) => microseconds / 1e6),
  )
  keptElsewhere('backtrail_worker_restarts_total', () =>
    Object.entries(appliance.pool.statistics().restarts).map(([cause, value]) => ({ labels: { cause }, value })),
  )

  /** A counter whose value a service keeps. */
  function keptElsewhere(
    name: MetricName,
    read: () => { readonly labels: Record<string, string>; readonly value: number }[],
  ): void {
    new Counter({
      ...described(name),
      registers,
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.inc(labels, value)
      },
    })
  }

  return { contentType: register.contentType, text: () => register.metrics() }
}

/** Whoever asks within a second gets the same answer. */
function onceASecond<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let latest: Promise<Answer> | null = null
  return () => {
    if (!latest) {
      latest = ask()
      setTimeout(() => {
        latest = null
      }, 1_000).unref()
    }
    return latest
  }
}
