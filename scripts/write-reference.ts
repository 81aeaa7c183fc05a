/** Writes docs/configuration.md from the options' descriptions: `npm run reference`. */
import { writeFileSync } from 'node:fs'
import { renderReference } from '../src/settings/index.ts'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderReference())
