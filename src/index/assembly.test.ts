import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const compiler = fileURLToPath(new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url))

test('the committed WebAssembly is what its source compiles to, without a warning', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-assembly-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const here = (...names: string[]) => join(import.meta.dirname, ...names)
  const fresh = join(folder, 'fresh.wasm')
  const source = here('assembly', 'marking.ts')
  const config = here('assembly', 'asconfig.json')
  const { stderr } = spawnSync(process.execPath, [compiler, source, '--config', config, '--outFile', fresh], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  assert.ok(readFileSync(here('marking.generated.wasm')).equals(readFileSync(fresh)), 'run `npm run assembly`')
})
