/** The alert rules and the dashboard: every metric that they name exists, and every alert fires. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { renderDashboard } from '../../scripts/dashboard.ts'
import { renderMetrics } from '../../scripts/metrics-page.ts'
import { type Metric, metricCatalogue } from '../../src/http/metric-catalogue.ts'
import { folderWith, root } from '../cli/running.ts'
import { until } from '../faults/killable-server.ts'
import { skipWithout, TestServer } from '../http/harness.ts'

const rulesFile = join(root, 'deploy/prometheus/backtrail.rules.yml')
const rules = readFileSync(rulesFile, 'utf8')
const dashboard = readFileSync(join(root, 'deploy/grafana/backtrail.json'), 'utf8')
const noPromtool = skipWithout(spawnSync('promtool', ['--version']).status === 0, 'promtool is not installed')

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const catalogue: Readonly<Record<string, Metric>> = metricCatalogue

/** What the server exports, by name: the kind, and the labels of its first sample. */
async function exported(): Promise<Map<string, string>> {
  const { text } = await server.get('/metrics', { as: null })
  return new Map([...text.matchAll(/^# TYPE (backtrail_\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => [name, kind]))
}

/** The metrics that an expression names, without what a histogram adds to its name. */
function namedIn(text: string): string[] {
  const names = [...text.matchAll(/\bbacktrail_\w+/g)].map(([name]) => name)
  return [...new Set(names.map((name) => (name in catalogue ? name : name.replace(/_(?:bucket|count|sum)$/, ''))))]
}

test('the server exports the metrics of the catalogue and no other of its own', async () => {
  const kinds = Object.entries(catalogue).map(([name, { kind }]) => [name, kind])
  assert.deepEqual([...(await exported())].sort(), kinds.sort())
})

test('soundness is a metric: no lost contents are claimed before a first look, and none are there after it', async () => {
  let text = ''
  await until(
    async () => {
      text = (await server.get('/metrics', { as: null })).text
      return /^backtrail_contents_lost /m.test(text)
    },
    () => 'the contents were looked at',
  )
  assert.match(text, /^backtrail_contents_lost 0$/m)
  assert.match(text, /^backtrail_database_sound 1$/m)
})

test('every metric that an alert or a panel names exists, with the labels that are asked for', async () => {
  const known = await exported()
  const asked = namedIn(rules)
  assert.ok(asked.length >= 8)
  const panels: { id: number; type: string; targets?: { expr: string }[] }[] = JSON.parse(dashboard).panels
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  for (const name of [...asked, ...namedIn(expressions.join('\n'))])
    assert.ok(known.has(name), `there is no metric ${name}`)
  assert.deepEqual(namedIn(expressions.join('\n')).sort(), Object.keys(catalogue).sort(), 'each metric has a panel')
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const [, name = '', labels = ''] of `${rules}\n${expressions.join('\n')}`.matchAll(
    /(backtrail_\w+)\{([^}]*)\}/g,
  )) {
    const [metric = ''] = namedIn(name)
    for (const [, label = ''] of labels.matchAll(/(\w+)=/g))
      assert.ok(label === 'job' || catalogue[metric]?.labels.includes(label), `${name} has no label ${label}`)
  }
})

test('the dashboard and the page of metrics are those that the catalogue gives: npm run reference writes them', () => {
  assert.equal(dashboard, renderDashboard())
  assert.equal(readFileSync(join(root, 'docs/metrics.md'), 'utf8'), renderMetrics())
})

test('the page for operations says what to do about each alert', () => {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  for (const [, alert = ''] of rules.matchAll(/alert: (\w+)/g)) assert.ok(page.includes(`| \`${alert}\` |`), alert)
})

/** A series over 40 minutes that makes the alert fire, in the notation of promtool. */
const firing: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  BacktrailDown: [['up{job="backtrail"', '0x40']],
  BacktrailDatabaseDamaged: [['backtrail_database_sound{', '0x40']],
  BacktrailContentsLost: [['backtrail_contents_lost{', '2x40']],
  BacktrailRefusesRequests: [['backtrail_http_request_seconds_count{status="503"', '0+60x40']],
  BacktrailFails: [['backtrail_http_request_seconds_count{status="500"', '0+1x40']],
  BacktrailIntakeStalls: [
    ['backtrail_intake_samples{state="queued"', '5x40'],
    ['backtrail_processed_samples_total{', '7x40'],
  ],
  BacktrailLiveMatchingWaits: [['backtrail_tasks_waiting{priority="live"', '2000x40']],
  BacktrailWorkersEnd: [['backtrail_worker_restarts_total{cause="crash"', '0+2x40']],
  BacktrailCloudNotTold: [['backtrail_cloud_delivery_oldest_seconds{', '1000x40']],
  BacktrailFeedLags: [['backtrail_cloud_feed_lag_seconds{feed="live"', '1000x40']],
}

test('promtool accepts the alert rules, and each of them fires when it should', { skip: noPromtool }, (t) => {
  const checked = spawnSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })
  assert.equal(checked.status, 0, checked.stderr)
  const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, alert = '']) => alert)
  assert.deepEqual(alerts.sort(), Object.keys(firing).sort())
  const tests = Object.entries(firing).map(([alert, series]) => ({
    interval: '1m',
    input_series: series.map(([name, values]) => ({
      series: `${name}${name.endsWith('{') ? '' : ','}instance="here"}`,
      values,
    })),
    promql_expr_test: [
      {
        expr: `sum(ALERTS{alertname="${alert}", alertstate="firing"})`,
        eval_time: '40m',
        exp_samples: [{ labels: '{}', value: 1 }],
      },
    ],
  }))
  // JSON is YAML too.
  const file = join(folderWith(t), 'tests.yml')
  writeFileSync(file, JSON.stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests }))
  const run = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}`)
})
