/**
 * What `npm test` runs: the type check, the lint and every test. All three run even when one of them fails, so that
 * one run tells everything; the exit status is 0 only when all passed. `npm test -- src/yara test/cli` runs only the
 * tests under those paths. The checks run beside the tests, which wait for much of their time.
 *
 * Skipped tests are listed with their reasons before the closing lines. With BACKTRAIL_NO_SKIPS=1 a skipped test is a
 * failure.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { availableParallelism, setPriority } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { isServerBuilt } from './server-build.mjs'
import { bundledLibraries } from './test-libraries.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

// A test file that hangs is ended, and the run goes on with the next one. Its tests fail a little before, so that it can say which.
const longestTestFileSeconds = 10 * 60

const only = process.argv.slice(2).map((path) => path.replace(/^\.\//, '').replace(/\/$/, ''))
const files = globSync(['src/**/*.test.ts', 'web/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'])
  .filter((file) => only.length === 0 || only.some((path) => file === path || file.startsWith(`${path}/`)))
  .sort()
if (files.length === 0) {
  console.error(`No test file under ${only.join(', ') || root}.`)
  process.exit(1)
}

const checks = runChecks()
console.log(`Tests in ${files.length} files`)

// Every test file is a process of its own, and most start more: none of them has to compile what another compiled.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/backtrail')
process.env.BACKTRAIL_TEST_LIBRARIES = await bundledLibraries(root)
if (isServerBuilt(root)) process.env.BACKTRAIL_TEST_BUILT = join(root, 'dist')

let failed = 0
const skipped: string[] = []
const durations: { file: string; seconds: number }[] = []
// The whole-system tests are the longest; starting them first keeps all cores busy to the end.
const order = [...files].sort((a, b) => Number(b.startsWith('test/')) - Number(a.startsWith('test/')))
process.env.BACKTRAIL_TEST_FILE_SECONDS = String(longestTestFileSeconds)
const events = run({
  files: order,
  // More than half of the time they wait: for a browser, for a limit to be over, for another process.
  concurrency: availableParallelism() + 3,
  timeout: (longestTestFileSeconds - 10) * 1_000,
  execArgv: ['test-file-limit.ts', 'test-imports.ts'].flatMap((name) => ['--import', join(root, 'scripts', name)]),
})
await pipeline(events, watch, new spec(), process.stdout, { end: false })

const { said, typesPassed, lintPassed } = await checks
console.log(said.join(''))
console.log('The files that took longest:')
for (const { file, seconds } of durations.sort((a, b) => b.seconds - a.seconds).slice(0, 25))
  console.log(`${seconds.toFixed(0).padStart(6)} s  ${file}`)
if (skipped.length > 0 && process.env.BACKTRAIL_NO_SKIPS === '1') {
  console.error(`${skipped.length} tests were skipped, and BACKTRAIL_NO_SKIPS=1 forbids it.`)
  failed += 1
}
if (!typesPassed) console.error('The type check failed; its messages are above.')
if (!lintPassed) console.error('The lint failed; its messages are above.')
process.exit(failed > 0 || !typesPassed || !lintPassed ? 1 : 0)

/** Passes every event on, counts failures, and puts the list of skipped tests before the runner's closing lines. */
async function* watch(source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  let closing = false
  for await (const event of source) {
    if (event.type === 'test:fail') failed += 1
    if (event.type === 'test:summary' && event.data.file !== undefined)
      durations.push({ file: relative(root, event.data.file), seconds: event.data.duration_ms / 1000 })
    if (event.type === 'test:pass' && event.data.skip !== undefined && event.data.skip !== false) {
      const reason = typeof event.data.skip === 'string' ? event.data.skip : 'no reason given'
      skipped.push(`skipped: ${event.data.name} (${reason})`)
    }
    if (
      !closing &&
      event.type === 'test:diagnostic' &&
      event.data.nesting === 0 &&
      /^tests \d/.test(event.data.message)
    ) {
      closing = true
      for (const message of skipped) yield { ...event, data: { ...event.data, message } }
    }
    yield event
  }
}

/** One after the other: each has threads of its own. `said`: what they printed. */
async function runChecks() {
  const said: string[] = []
  const passes = async (title: string, command: string, ...parameters: string[]): Promise<boolean> => {
    const child = spawn(join('node_modules', '.bin', command), parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
    said.push(`${title}: ${command} ${parameters.join(' ')}\n`)
    try {
      // Tests have limits, and checks have not.
      if (child.pid !== undefined) setPriority(child.pid, 10)
      const printed = Promise.all([text(child.stdout), text(child.stderr)])
      const [code] = await once(child, 'close')
      said.push(...(await printed))
      return code === 0
    } catch (error) {
      said.push(`${error}\n`)
      return false
    }
  }
  const types = await passes('Type check', 'tsc', '--noEmit')
  const web = types && (await passes('Type check of the web application', 'tsc', '--noEmit', '-p', 'web'))
  const lintPassed = await passes('Lint and format', 'biome', 'check', '--max-diagnostics=50')
  return { said, typesPassed: types && web, lintPassed }
}
