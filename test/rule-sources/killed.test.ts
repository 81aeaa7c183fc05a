/** The server is killed while it synchronizes a source: what was begun is ended after the start, and nothing is there twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demandConsistency, rows } from '../faults/data-folder.ts'
import { type Json, KillableServer, until } from '../faults/killable-server.ts'
import { lacking, Repository, RuleServer } from './rule-server.ts'

const FILES = process.env.BACKTRAIL_LONG === '1' ? 60 : 36
const finds = (n: number, mark: string) => `rule r${n} { strings: $a = "${mark} number ${n}" condition: $a }\n`
const files = (mark: string) =>
  Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`rules/r${n}.yar`, finds(n, mark)]))

test('a synchronization that was killed in the middle goes on after the start', {
  skip: lacking,
  timeout: 900_000,
}, async (t) => {
  const rules = await RuleServer.start()
  t.after(() => rules.stop())
  const repository = new Repository(rules, 'killed.git')
  const flags = [
    '--rule-source-hosts',
    'localhost',
    '--rule-source-networks',
    '127.0.0.1,::1',
    '--rule-source-ca',
    rules.ca,
  ]
  const server = new KillableServer(t, flags)
  await server.start()
  repository.commit(files('first'))
  const added = await server.call('POST', '/api/yara/repositories/', {
    url: rules.url('killed.git'),
    name: 'killed',
    import_update_preferences: 2,
  })
  assert.equal(added.status, 201, JSON.stringify(added.json))
  const { id } = added.json
  const saved = (mark: string) =>
    rows(server.data, 'SELECT content FROM rulesets JOIN revisions ON revisions.id = revision_id').filter(
      ({ content }) => String(content).includes(mark),
    ).length
  const killAt = async (count: number, mark: string) => {
    await until(
      () => saved(mark) >= count,
      () => `${count} rulesets are saved; ${saved(mark)} are`,
      240_000,
    )
    await server.kill()
    await server.start()
  }
  await killAt(3, 'first')
  await killAt(20, 'first')
  let source: Json
  const synced = async () => {
    await until(
      async () => {
        source = (await server.call('GET', `/api/rule-sources/${id}/`)).json
        return source.state === 'synced'
      },
      () => `it is synchronized: ${JSON.stringify(source)}`,
      240_000,
    )
    return (await server.call('GET', `/api/rule-sources/${id}/files/`)).json.results as Json[]
  }
  assert.deepEqual([...new Set((await synced()).map(({ state }) => state))], ['imported'])
  assert.equal(saved('first'), FILES)

  const commit = repository.commit(files('second'))
  await server.call('POST', `/api/rule-sources/${id}/sync/`, {})
  await killAt(10, 'second')
  await until(
    () => saved('second') === FILES,
    () => `all are saved; ${saved('second')} are`,
    240_000,
  )
  assert.deepEqual([...new Set((await synced()).map(({ state }) => state))], ['imported'])
  assert.equal(source.version, commit)
  const [{ count }] = rows(server.data, 'SELECT count(*) AS count FROM rulesets') as [{ count: number }]
  assert.equal(count, FILES, 'no ruleset is there twice under another name')
  await server.stop()
  await demandConsistency(server.data)
})
