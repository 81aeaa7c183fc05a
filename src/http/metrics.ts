import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ApplianceServices } from './appliance.ts'

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
    name: 'backtrail_http_request_seconds',
    help: 'Time from the arrival of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the path: paths hold hashes and names without number.
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown')
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })

  // Counted once for all gauges of a scrape, and once a second however many scrape: the endpoint is open.
  let counted: ReturnType<typeof appliance.samples.totals> | null = null
  const totals = () => {
    if (!counted) {
      counted = appliance.samples.totals()
      setTimeout(() => {
        counted = null
      }, 1_000).unref()
    }
    return counted
  }
  new Gauge({
    name: 'backtrail_samples',
    help: 'Stored samples by classification',
    labelNames: ['classification'],
    registers,
    async collect() {
      const { byClassification } = await totals()
      for (const [number, name] of ['unknown', 'goodware', 'suspicious', 'malicious'].entries()) {
        this.set({ classification: name }, byClassification[number] ?? 0)
      }
    },
  })
  new Gauge({
    name: 'backtrail_sample_bytes',
    help: 'Bytes of all stored samples',
    registers,
    async collect() {
      this.set((await totals()).bytes)
    },
  })
  new Gauge({
    name: 'backtrail_intake_samples',
    help: 'Samples that wait for the pipeline or are in it',
    labelNames: ['state'],
    registers,
    collect() {
      const { queued, processing } = appliance.intake.status()
      this.set({ state: 'queued' }, queued)
      this.set({ state: 'processing' }, processing)
    },
  })
  new Gauge({
    name: 'backtrail_local_retro_running',
    help: '1 while a Local Retro is starting or running',
    registers,
    async collect() {
      const state = (await appliance.localRetro.status())?.state
      this.set(state === 'STARTING' || state === 'RUNNING' ? 1 : 0)
    },
  })
  new Gauge({
    name: 'backtrail_ad_hoc_hunts',
    help: 'Ad-hoc hunts that wait or run',
    registers,
    collect() {
      this.set(appliance.adHocHunts.unfinished)
    },
  })
  new Gauge({
    name: 'backtrail_tenants_retro_hunts',
    help: 'Retro hunts of tenants that wait or run',
    registers,
    collect() {
      this.set(appliance.tenants.retroHunts.unfinished)
    },
  })
  new Gauge({
    name: 'backtrail_tasks_waiting',
    help: 'Tasks that wait for a worker process, by lane',
    labelNames: ['lane'],
    registers,
    collect() {
      for (const [lane, waiting] of Object.entries(appliance.pool.statistics().waiting)) this.set({ lane }, waiting)
    },
  })
  new Gauge({
    name: 'backtrail_worker_processes',
    help: 'Worker processes by what they are doing',
    labelNames: ['state'],
    registers,
    collect() {
      const { processes } = appliance.pool.statistics()
      const busy = processes.filter((each) => each.busy).length
      this.set({ state: 'busy' }, busy)
      this.set({ state: 'idle' }, processes.length - busy)
    },
  })
  new Gauge({
    name: 'backtrail_worker_resident_bytes',
    help: 'Resident memory of all worker processes',
    registers,
    collect() {
      const { processes } = appliance.pool.statistics()
      this.set(processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0))
    },
  })
  new Gauge({
    name: 'backtrail_cloud_reachable',
    help: '1 while the cloud answers; 0 without a cloud',
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).isReachable ? 1 : 0)
    },
  })
  new Gauge({
    name: 'backtrail_cloud_deliveries_waiting',
    help: 'Rulesets whose last change the cloud was not told yet',
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).waiting)
    },
  })
  new Gauge({
    name: 'backtrail_cloud_delivery_oldest_seconds',
    help: 'How long the oldest of them waits',
    registers,
    async collect() {
      this.set((await appliance.cloud.condition()).oldestMs / 1000)
    },
  })
  new Gauge({
    name: 'backtrail_cloud_feed_lag_seconds',
    help: 'Time since a feed of the cloud was last read to its end; absent before the first time',
    labelNames: ['feed'],
    registers,
    async collect() {
      this.reset()
      for (const [feed, lag] of Object.entries((await appliance.cloud.condition()).feedLagMs)) {
        if (lag !== null) this.set({ feed }, lag / 1000)
      }
    },
  })
  keptElsewhere(
    'backtrail_processed_samples_total',
    'Samples that the pipeline has processed since the start',
    [],
    () => [{ labels: {}, value: appliance.intake.status().processed }],
  )
  keptElsewhere('backtrail_processed_bytes_total', 'Bytes that the pipeline has processed since the start', [], () => [
    { labels: {}, value: appliance.intake.status().bytes },
  ])
  keptElsewhere('backtrail_tasks_total', 'Tasks that worker processes have ended since the start', ['outcome'], () => {
    const { finished, failed } = appliance.pool.statistics()
    return [
      { labels: { outcome: 'done' }, value: finished - failed },
      { labels: { outcome: 'failed' }, value: failed },
    ]
  })
  keptElsewhere(
    'backtrail_worker_restarts_total',
    'Worker processes that had to be replaced, by cause',
    ['cause'],
    () => Object.entries(appliance.pool.statistics().restarts).map(([cause, value]) => ({ labels: { cause }, value })),
  )

  /** A counter whose value a service keeps. */
  function keptElsewhere(
    name: string,
    help: string,
    labelNames: string[],
    read: () => { readonly labels: Record<string, string>; readonly value: number }[],
  ): void {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.inc(labels, value)
      },
    })
  }

  return { contentType: register.contentType, text: () => register.metrics() }
}
