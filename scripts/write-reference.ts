/** Writes what is made from descriptions in the code: `npm run reference`. */
import { writeFileSync } from 'node:fs'
import { renderReference } from '../src/settings/index.ts'
import { renderDashboard } from './dashboard.ts'
import { renderMetrics } from './metrics-page.ts'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderReference())
writeFileSync(new URL('../docs/metrics.md', import.meta.url), renderMetrics())
writeFileSync(new URL('../deploy/grafana/backtrail.json', import.meta.url), renderDashboard())
