/**
 * Imported by every test file that `npm test` runs. Nearly each of them imports the server, 2,000 modules, and does so in a
 * process of its own: that took one to two seconds of a processor for each file. Libraries that are most of these modules
 * are read from a few files that `scripts/test.ts` has made of them, and a source that another one names by its
 * way is taken at its word. Both together take a third of the time away.
 *
 * The worker processes of a server within a test run what was built of the same sources: it starts in two thirds of the time.
 */
import childProcess from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BundledNames } from './test-libraries.ts'

const root = new URL('../', import.meta.url).href
const folder = process.env.BACKTRAIL_TEST_LIBRARIES ?? ''
const list = join(folder, 'list.json')
const { everywhere, own }: BundledNames =
  folder !== '' && existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : { everywhere: [], own: [] }
const fileOf = (name: string) => pathToFileURL(join(folder, `${name.replaceAll('/', '-')}.mjs`)).href
const ofAll = new Map(everywhere.map((name) => [name, fileOf(name)]))
const ofOurs = new Map(own.map((name) => [name, fileOf(name)]))
const isOurs = (parent: string) => parent.startsWith(root) && !parent.includes('/node_modules/')

registerHooks({
  resolve(specifier, context, next) {
    const parent = context.parentURL ?? ''
    // What is not there is told when it is read.
    if (specifier.startsWith('.') && specifier.endsWith('.ts') && parent.startsWith('file:'))
      return { url: new URL(specifier, parent).href, format: 'module-typescript', shortCircuit: true }
    const url = ofAll.get(specifier) ?? (isOurs(parent) ? ofOurs.get(specifier) : undefined)
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
})

const built = process.env.BACKTRAIL_TEST_BUILT ?? ''
const sources = fileURLToPath(new URL('../src/', import.meta.url))

/** The built file of a source that processes are made of; the source itself where there is none. */
function builtOf(program: string | URL): string | URL {
  const path = program instanceof URL ? fileURLToPath(program) : program
  if (built === '' || !path.startsWith(sources)) return program
  const other = join(built, path.slice(sources.length).replace(/\.ts$/, '.js'))
  return existsSync(other) ? other : program
}

const { fork } = childProcess
childProcess.fork = ((program: string | URL, ...others: readonly []) =>
  fork(builtOf(program), ...others)) as typeof fork
syncBuiltinESMExports()
