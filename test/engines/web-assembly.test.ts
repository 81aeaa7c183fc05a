/** A machine without a native engine runs rules on the WebAssembly build; `--engine wasm` does so on every machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { always, endless, hello, item, openPool, summary } from '../../src/scanning/fixtures/open-pool.ts'
import { backtrailTo, folderWith, startServer } from '../cli/running.ts'

const patient = { timeoutMs: 300_000 }

const files = {
  'rules/found.yar': 'rule found { strings: $a = "a marker" condition: $a and filesize < 1KB }',
  'rules/newer.yar': 'import "dex" rule newer { strings: $a = "a marker" condition: $a and not dex.is_dex }',
  'in/marked.txt': 'this file has a marker in it',
  'in/plain.txt': 'this one has none',
}

test('an endless rule is given up on WebAssembly too, and the others go on', async (t) => {
  const { pool, sample } = openPool(t, { engine: 'wasm', limits: { scanMs: 1_500 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello, endless, always] })
  const items = ['hello', 'hello spin', 'hello'].map((text, n) => item(n + 1, sample(`sample-${n}`, text)))
  const output = await pool.run('verify', { ruleSet: 'set', items, strings: false }, { priority: 'hunt' })
  assert.deepEqual(summary(output), ['1: hello always', '2: hello always endless=timeout', '3: hello always'])
})

test('commands hunt with WebAssembly, and say once that it is slower', async (t) => {
  const folder = folderWith(t, files)
  const at = ['--data', `${folder}/data`, '--engine', 'wasm']
  await backtrailTo(0, ['ingest', `${folder}/in`, '--data', `${folder}/data`], patient)
  const { stdout, stderr } = await backtrailTo(0, ['hunt', `${folder}/rules`, ...at], patient)
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\t\w+\t/, ' '))
      .sort(),
    ['found marked.txt', 'newer marked.txt'],
  )
  assert.equal(stderr.match(/several times slower/g)?.length, 1, stderr)
  const checked = await backtrailTo(0, ['check', `${folder}/rules`, '--json', '--engine', 'wasm'], patient)
  const engines = checked.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).engine)
  assert.deepEqual(engines, ['YARA-X 1.20.0 (WebAssembly)', 'YARA-X 1.20.0 (WebAssembly)'])
  assert.match(checked.stderr, /several times slower/)
})

test('the server says in its log that it has no native engine', async (t) => {
  const folder = folderWith(t)
  const server = await startServer(t, ['--data', `${folder}/data`, '--engine', 'wasm', '--workers', '2'])
  const end = Date.now() + 300_000
  while (!server.stderr().includes('several times slower') && Date.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(server.stderr().match(/several times slower/g)?.length, 1)
  assert.equal(await server.stop(), 0)
})
