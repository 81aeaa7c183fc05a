/** Every metric that is Backtrail's own: what it is called, what it says, and how it is shown on the dashboard. */

export interface Metric {
  readonly kind: 'gauge' | 'counter' | 'histogram'
  /** A unit of Grafana. */
  readonly unit: 'short' | 'bytes' | 's'
  readonly help: string
  readonly labels: readonly string[]
  /** The row of the dashboard. */
  readonly row: 'Health' | 'Samples' | 'Hunts' | 'Workers' | 'Requests' | 'Notifications' | 'Cloud'
}

export const metricCatalogue = {
  backtrail_database_sound: {
    kind: 'gauge',
    unit: 'short',
    help: '0 when damage of the database is known, else 1',
    labels: [],
    row: 'Health',
  },
  backtrail_contents_lost: {
    kind: 'gauge',
    unit: 'short',
    help: 'Samples whose content was missing, cut off or changed at the latest look; absent before the first',
    labels: [],
    row: 'Health',
  },
  backtrail_samples: {
    kind: 'gauge',
    unit: 'short',
    help: 'Stored samples by classification',
    labels: ['classification'],
    row: 'Samples',
  },
  backtrail_sample_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Bytes of all stored samples',
    labels: [],
    row: 'Samples',
  },
  backtrail_intake_samples: {
    kind: 'gauge',
    unit: 'short',
    help: 'Samples that wait for the pipeline or are in it',
    labels: ['state'],
    row: 'Samples',
  },
  backtrail_processed_samples_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Samples that the pipeline has processed since the start',
    labels: [],
    row: 'Samples',
  },
  backtrail_processed_bytes_total: {
    kind: 'counter',
    unit: 'bytes',
    help: 'Bytes that the pipeline has processed since the start',
    labels: [],
    row: 'Samples',
  },
  backtrail_local_retro_running: {
    kind: 'gauge',
    unit: 'short',
    help: '1 while a Local Retro is starting or running',
    labels: [],
    row: 'Hunts',
  },
  backtrail_ad_hoc_hunts: {
    kind: 'gauge',
    unit: 'short',
    help: 'Ad-hoc hunts that wait or run',
    labels: [],
    row: 'Hunts',
  },
  backtrail_tenants_retro_hunts: {
    kind: 'gauge',
    unit: 'short',
    help: 'Retro hunts of tenants that wait or run',
    labels: [],
    row: 'Hunts',
  },
  backtrail_servers: {
    kind: 'gauge',
    unit: 'short',
    help: 'Servers of the cluster by what they do: works, stands by, passes on, gone (no sign of life for 15 s)',
    labels: ['role'],
    row: 'Hunts',
  },
  backtrail_nodes: {
    kind: 'gauge',
    unit: 'short',
    help: 'Nodes of the cluster that live',
    labels: [],
    row: 'Hunts',
  },
  backtrail_hunt_parts: {
    kind: 'gauge',
    unit: 'short',
    help: 'Parts of hunts, of samples that arrive and of merges that are offered to nodes, or that nodes do',
    labels: [],
    row: 'Hunts',
  },
  backtrail_node_parts_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Parts by the node that lives and what came of them: done, failed (the server did them), refused (too late)',
    labels: ['node', 'host', 'outcome'],
    row: 'Hunts',
  },
  backtrail_node_cache_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Copies of samples and of the index on a node that lives',
    labels: ['node', 'host'],
    row: 'Hunts',
  },
  backtrail_index_segments_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Segments of the index that hunts have asked since the start, each time counted',
    labels: [],
    row: 'Hunts',
  },
  backtrail_index_reads_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Reads of segments of the index for hunts since the start',
    labels: [],
    row: 'Hunts',
  },
  backtrail_index_read_bytes_total: {
    kind: 'counter',
    unit: 'bytes',
    help: 'Bytes of segments of the index that were read for hunts since the start',
    labels: [],
    row: 'Hunts',
  },
  backtrail_index_processor_seconds_total: {
    kind: 'counter',
    unit: 's',
    help: 'Time that processors worked on asking segments of the index for hunts since the start',
    labels: [],
    row: 'Hunts',
  },
  backtrail_tasks_waiting: {
    kind: 'gauge',
    unit: 'short',
    help: 'Tasks that wait for a worker process, by priority',
    labels: ['priority'],
    row: 'Workers',
  },
  backtrail_tasks_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Tasks that worker processes have ended since the start',
    labels: ['outcome'],
    row: 'Workers',
  },
  backtrail_worker_processes: {
    kind: 'gauge',
    unit: 'short',
    help: 'Worker processes by what they are doing',
    labels: ['state'],
    row: 'Workers',
  },
  backtrail_worker_resident_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    help: 'Resident memory of all worker processes',
    labels: [],
    row: 'Workers',
  },
  backtrail_worker_restarts_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Worker processes that had to be replaced, by cause',
    labels: ['cause'],
    row: 'Workers',
  },
  backtrail_http_request_seconds: {
    kind: 'histogram',
    unit: 's',
    help: 'Time from the arrival of a request to the end of its answer',
    labels: ['method', 'route', 'status'],
    row: 'Requests',
  },
  backtrail_notifications_total: {
    kind: 'counter',
    unit: 'short',
    help: 'Attempts to deliver messages of notification channels since the start',
    labels: ['outcome'],
    row: 'Notifications',
  },
  backtrail_notifications_waiting: {
    kind: 'gauge',
    unit: 'short',
    help: 'Messages of notification channels that are not delivered yet',
    labels: [],
    row: 'Notifications',
  },
  backtrail_notification_oldest_seconds: {
    kind: 'gauge',
    unit: 's',
    help: 'How long the oldest of them waits',
    labels: [],
    row: 'Notifications',
  },
  backtrail_cloud_reachable: {
    kind: 'gauge',
    unit: 'short',
    help: '1 while the cloud answers; 0 without a cloud',
    labels: [],
    row: 'Cloud',
  },
  backtrail_cloud_deliveries_waiting: {
    kind: 'gauge',
    unit: 'short',
    help: 'Rulesets whose last change is not delivered to the cloud yet',
    labels: [],
    row: 'Cloud',
  },
  backtrail_cloud_delivery_oldest_seconds: {
    kind: 'gauge',
    unit: 's',
    help: 'How long the oldest of them waits',
    labels: [],
    row: 'Cloud',
  },
  backtrail_cloud_feed_lag_seconds: {
    kind: 'gauge',
    unit: 's',
    help: 'Time since a feed of the cloud was last read to its end; absent before the first time',
    labels: ['feed'],
    row: 'Cloud',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof metricCatalogue

/** As prom-client takes it. */
export function described(name: MetricName): { name: string; help: string; labelNames: string[] } {
  const { help, labels } = metricCatalogue[name]
  return { name, help, labelNames: [...labels] }
}
