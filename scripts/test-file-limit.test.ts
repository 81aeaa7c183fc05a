/** A test file that hangs is ended with what it started, and says so; one that ends is left alone. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const limit = fileURLToPath(new URL('test-file-limit.ts', import.meta.url))

function run(t: TestContext, source: string) {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-limit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'some.test.mjs')
  writeFileSync(file, source)
  // Without what the runner of this very file tells its children.
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env
  const env = { ...rest, BACKTRAIL_TEST_FILE_SECONDS: '1' }
  const options = { cwd: folder, env, encoding: 'utf8', timeout: 60_000 } as const
  return spawnSync(process.execPath, ['--import', limit, file], options)
}

test('a hook that never ends ends with its file, and with the programs that were started', (t) => {
  // The program holds the outputs: one that lived on would be waited for until the time is over.
  const { status, stderr, error } = run(
    t,
    `import { spawn } from 'node:child_process'
     import { test } from 'node:test'
     test('fails, and waits for good', (t) => {
       spawn('sh', ['-c', 'sleep 600; true'], { stdio: 'inherit' })
       t.after(() => new Promise(() => {}))
       throw new Error('no')
     })`,
  )
  assert.equal(error, undefined)
  assert.equal(status, 1)
  assert.match(stderr, /did not end within 1 seconds, and was ended/)
})

test('a file that ends is not waited for', (t) => {
  const { status, stderr } = run(t, `import { test } from 'node:test'; test('passes', () => {})`)
  assert.equal(status, 0)
  assert.doesNotMatch(stderr, /was ended/)
})
