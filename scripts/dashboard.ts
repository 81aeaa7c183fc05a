/** The Grafana dashboard, made from the catalogue of metrics: a panel for each, in rows. */
import { type Metric, metricCatalogue } from '../src/http/metric-catalogue.ts'

const WIDTH = 8
const HEIGHT = 8
const COLUMNS = 24 / WIDTH

const source = { type: 'prometheus', uid: '$source' }
const only = 'job="$job"'

/** The text of `deploy/grafana/backtrail.json`. */
export function renderDashboard(): string {
  const entries = Object.entries<Metric>(metricCatalogue)
  const rows = [...new Set(entries.map(([, { row }]) => row))]
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: 24, h: 1 },
    })
    y += 1
    const own = entries.filter(([, metric]) => metric.row === row)
    for (const [n, [name, metric]] of own.entries()) {
      const gridPos = { x: (n % COLUMNS) * WIDTH, y: y + Math.floor(n / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT }
      panels.push(panelOf(panels.length + 1, name, metric, gridPos))
    }
    y += Math.ceil(own.length / COLUMNS) * HEIGHT
  }
  const dashboard = {
    uid: 'backtrail',
    title: 'Backtrail',
    description: 'Made from the catalogue of metrics by "npm run reference".',
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'job',
          label: 'Job',
          type: 'query',
          datasource: source,
          query: { query: 'label_values(backtrail_database_sound, job)', refId: 'job' },
          refresh: 1,
        },
      ],
    },
    panels,
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

function panelOf(id: number, name: string, { kind, unit, help, labels }: Metric, gridPos: object): object {
  return {
    id,
    type: 'timeseries',
    title: help,
    description: name,
    datasource: source,
    gridPos,
    fieldConfig: { defaults: { unit: kind === 'counter' && unit === 'bytes' ? 'Bps' : unit, min: 0 }, overrides: [] },
    targets: targetsOf(name, kind, labels).map((target, n) => ({
      refId: String.fromCharCode(65 + n),
      datasource: source,
      ...target,
    })),
  }
}

function targetsOf(name: string, kind: Metric['kind'], labels: readonly string[]) {
  const by = labels.length > 0 ? ` by (${labels.join(', ')})` : ''
  const legendFormat = labels.map((label) => `{{${label}}}`).join(' ') || name
  if (kind === 'counter') return [{ expr: `sum${by} (rate(${name}{${only}}[5m]))`, legendFormat }]
  if (kind === 'gauge') return [{ expr: `sum${by} (${name}{${only}})`, legendFormat }]
  return [0.5, 0.95, 0.99].map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le) (rate(${name}_bucket{${only}}[5m])))`,
    legendFormat: `${share * 100} % within`,
  }))
}
