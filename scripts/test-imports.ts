/**
 * Imported by every test file that `npm test` runs. Nearly each of them imports the server, 2,000 modules, and does so in a
 * process of its own: that took one to two seconds of a processor for each file. Two libraries that are 800 of these
 * modules are read from a few files that `scripts/test.ts` has made of them, and a source that another one names by its
 * way is taken at its word. Both together take a third of the time away.
 */
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = process.env.BACKTRAIL_TEST_LIBRARIES ?? ''
const list = join(folder, 'list.json')
const names: readonly string[] = folder !== '' && existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
const bundled = new Map(
  names.map((name) => [name, pathToFileURL(join(folder, `${name.replaceAll('/', '-')}.mjs`)).href]),
)

registerHooks({
  resolve(specifier, context, next) {
    // What is not there is told when it is read.
    if (specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL?.startsWith('file:'))
      return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
    const url = bundled.get(specifier)
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
})
