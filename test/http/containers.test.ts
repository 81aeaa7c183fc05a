/** What came out of archives, and the archives that something came out of. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const zipOf = (files: Readonly<Record<string, Buffer | string>>) =>
  storedZip(Object.entries(files).map(([name, bytes]) => ({ name: Buffer.from(name), bytes: Buffer.from(bytes) })))

test('the outermost archives of each hash are listed by its kind, and hashes without one are left out', async () => {
  const inner = zipOf({ 'deep.txt': 'deep inside' })
  const outer = zipOf({ 'inner.zip': inner, 'flat.txt': 'flat inside' })
  const other = zipOf({ 'another.txt': 'deep inside' })
  await server.upload(outer, 'outer.zip')
  await server.upload(other, 'other.zip')
  const ask = async (call: object) => {
    const { status, json, text } = await server.post('/api/samples/containers/', call)
    assert.equal(status, 200, text)
    return json.results
  }
  const hashes = [sha1('deep inside'), sha1('flat inside'), sha1(inner), sha1(outer), sha1('unknown')]
  for (const call of [{ form: { hash_values: hashes } }, { json: { hash_values: hashes } }]) {
    const results: Json[] = await ask(call)
    assert.deepEqual(
      results.map((each) => [each.sha1, each.containers.toSorted()]),
      [
        [sha1('deep inside'), [sha1(outer), sha1(other)].toSorted()],
        [sha1('flat inside'), [sha1(outer)]],
        [sha1(inner), [sha1(outer)]],
      ],
    )
  }
  assert.deepEqual(await ask({ form: { hash_values: sha256('flat inside') } }), [
    { sha256: sha256('flat inside'), containers: [sha256(outer)] },
  ])
  for (const bad of [['x'], [sha1('a'), sha256('a')]]) {
    assert.equal((await server.post('/api/samples/containers/', { form: { hash_values: bad } })).status, 400)
  }
})

test('what came out of a sample is one protected zip; nothing is 404', async (t) => {
  const hash = await server.upload(
    zipOf({ 'a.txt': 'extracted a', 'b.txt': 'extracted b', 'c.txt': 'extracted a' }),
    'x.zip',
  )
  const { status, headers, bytes } = await server.get(`/api/samples/${hash}/unpacked/`)
  assert.deepEqual([status, headers['content-type']], [200, 'application/zip'])
  assert.match(String(headers['content-disposition']), /^attachment; filename="[0-9a-f]{64}\.extracted\.zip"$/)
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-unpacked-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'got.zip'), bytes)
  for (const content of ['extracted a', 'extracted b']) {
    const { stdout } = spawnSync(sevenZipBinary(), ['x', '-so', '-pinfected', join(folder, 'got.zip'), sha256(content)])
    assert.equal(stdout.toString(), content)
  }
  assert.equal((await server.get(`/api/samples/${sha1('extracted a')}/unpacked/`)).status, 404)
  assert.equal((await server.get(`/api/samples/${sha1('unknown')}/unpacked/`)).status, 404)
})

test('the older addresses of rulesets and of their matches answer as the newer ones', async () => {
  await server.saveRuleset('older', 'rule o { strings: $a = "extracted" condition: $a }')
  await server.upload('extracted for the older address', 'o.txt')
  for (const [older, newer] of [
    ['/api/yara/rulesets/', '/api/yara/v2/rulesets/'],
    ['/api/yara/ruleset/matches/?name=older', '/api/yara/v2/ruleset/matches/?name=older'],
  ] as const) {
    assert.deepEqual((await server.get(older)).json, (await server.get(newer)).json)
  }
  assert.equal((await server.get('/api/yara/rulesets/', { as: null })).status, 401)
  const { next } = (await server.get('/api/yara/ruleset/matches/?name=older&page=1&page_size=1')).json
  assert.equal(next, null)
})
