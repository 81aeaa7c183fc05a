import { type Metric, metricCatalogue } from '../src/http/metric-catalogue.ts'

/** The text of docs/metrics.md. */
export function renderMetrics(): string {
  const rows = Object.entries<Metric>(metricCatalogue).map(([name, { kind, labels, help }]) => [
    `\`${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  const head = ['Name', 'Type', 'Labels', 'Meaning']
  return `# Metrics

<!-- Written by scripts/write-reference.ts from src/http/metric-catalogue.ts; a test fails when the two differ. -->

What \`/metrics\` has of Backtrail's own, beside what every Node process has. [Watch it](operations.md#watch-it) tells of the alerts and
the dashboard that are made of them.

${[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`
}
