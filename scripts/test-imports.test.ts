import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundledLibraries } from './test-libraries.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program of this text, in `scripts/`, with what test files import. */
async function outcome(t: TestContext, text: string, built = '') {
  const folder = folderFor(t)
  const file = join(folder, 'one.ts')
  writeFileSync(file, text)
  return spawnSync(process.execPath, ['--import', join(root, 'scripts/test-imports.ts'), file], {
    encoding: 'utf8',
    env: { ...process.env, BACKTRAIL_TEST_LIBRARIES: await bundledLibraries(root), BACKTRAIL_TEST_BUILT: built },
  })
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-imports-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('tests and the server have the same library, made of few files', async (t) => {
  const { stdout, stderr } = await outcome(
    t,
    `import { registerHooks } from 'node:module'
    const read: string[] = []
    registerHooks({ load(url, context, next) { read.push(url); return next(url, context) } })
    const [a, b] = await Promise.all([import('typebox'), import('typebox/value')])
    await import('${pathToFileURL(join(root, 'src/tca/index.ts')).href}')
    console.log(b.Value.Check(a.Type.Object({ n: a.Type.Number() }), { n: 1 }), read.filter((url) => url.includes('/typebox/')).length)`,
  )
  assert.equal(stdout, 'true 0\n', stderr)
})

test('a source that is not there is named', async (t) => {
  const { status, stderr } = await outcome(t, `import './nothing.ts'`)
  assert.equal(status, 1)
  assert.match(stderr, /ENOENT.*nothing\.ts|Cannot find module.*nothing\.ts/)
})

test('processes of the server run what was built, where it was', async (t) => {
  const built = folderFor(t)
  mkdirSync(join(built, 'scanning/worker'), { recursive: true })
  writeFileSync(join(built, 'scanning/worker/main.js'), '')
  const [there = '', missing = ''] = ['main.ts', 'none.ts'].map((name) => join(root, 'src/scanning/worker', name))
  const text = `import { fork } from 'node:child_process'
    for (const program of ${JSON.stringify([there, missing].map((path) => pathToFileURL(path).href))}) {
      const child = fork(new URL(program), [], { silent: true })
      console.log(child.spawnargs.at(-1))
      child.kill()
    }`
  const { stdout, stderr } = await outcome(t, text, built)
  assert.equal(stdout, `${join(built, 'scanning/worker/main.js')}\n${missing}\n`, stderr)
})
