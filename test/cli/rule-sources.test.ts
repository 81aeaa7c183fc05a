import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lacking, Repository, RuleServer } from '../rule-sources/rule-server.ts'
import { backtrail, backtrailTo, folderWith, startServer } from './running.ts'

const finds = (rule: string, text = rule) => `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

const networks = ['--rule-source-hosts', 'localhost', '--rule-source-networks', '127.0.0.1,::1']

/** The two ways in which the commands reach the rulesets; the first fetches itself. */
const places = {
  'on the data folder': async (_t: TestContext, folder: string, ca: string) => ({
    at: ['--data', join(folder, 'data')],
    fetching: [...networks, '--rule-source-ca', ca],
  }),
  'through a server': async (t: TestContext, folder: string, ca: string) => {
    const token = 'a-token-for-the-test'
    const parameters = ['--data', join(folder, 'data'), ...networks, '--rule-source-ca', ca]
    const server = await startServer(t, parameters, { env: { BACKTRAIL_ADMIN_TOKEN: token } })
    return { at: ['--server', server.url, '--token', token], fetching: [] }
  },
}

for (const [where, open] of Object.entries(places)) {
  test(`a source is added with a preview, synchronized, listed and removed ${where}`, {
    skip: lacking,
    timeout: 600_000,
  }, async (t) => {
    const rules = await RuleServer.start()
    t.after(() => rules.stop())
    const repository = new Repository(rules, 'team/rules.git')
    const first = repository.commit({
      'a/mal.yar': finds('one'),
      'b/mal.yar': finds('two'),
      'index.yar': 'include "a/mal.yar"\ninclude "b/mal.yar"\n',
      'bad.yar': 'rule good { condition: false }\nrule bad { condition: $x }\n',
    })
    const folder = folderWith(t)
    const { at, fetching } = await open(t, folder, rules.ca)
    const sources = (...parameters: string[]) => ['rules', 'sources', ...parameters, ...at]

    const added = await backtrailTo(0, [...sources('add', rules.url(repository.path)), ...fetching], {
      timeoutMs: 240_000,
    })
    assert.match(added.stdout, /^new +a_mal +runs .* a\/mal\.yar$/m)
    assert.match(added.stdout, /^bad\.yar:2:23: rule bad is left out: /m)
    assert.match(added.stdout, /^team\/rules was added; nothing is imported yet/m)
    const again = await backtrail([...sources('add', rules.url(repository.path)), ...fetching])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /already a rule source of that name/)

    const synced = await backtrailTo(2, [...sources('sync', 'team/rules'), ...fetching], { timeoutMs: 240_000 })
    assert.match(synced.stdout, new RegExp(`^team/rules is at ${first.slice(0, 12)}: 3 new$`, 'm'))
    assert.match(synced.stderr, /^bad\.yar:2:23: /m)
    repository.commit({ 'a/mal.yar': finds('one', 'newer') })
    const updated = await backtrailTo(0, [...sources('sync', '1', '--json'), ...fetching], { timeoutMs: 240_000 })
    const { created, updated: changed, removed, problems } = JSON.parse(updated.stdout)
    assert.deepEqual({ created, changed, removed, problems }, { created: 0, changed: 1, removed: 2, problems: [] })

    const listed = await backtrailTo(0, sources('list'))
    assert.match(listed.stdout, /^1 +team\/rules +synced +manual +[0-9a-f]{12} /m)
    const removal = await backtrailTo(0, sources('remove', 'team/rules', '--with-rulesets'))
    assert.match(removal.stderr, /its rulesets are deleted/)
    assert.match((await backtrailTo(0, sources('list'))).stderr, /there are no sources/)
    const gone = await backtrail(sources('sync', 'team/rules'))
    assert.match(gone.stderr, /There is no rule source team\/rules/)
  })
}

test('a source is added and imported in one step, with a token from a file', {
  skip: lacking,
  timeout: 600_000,
}, async (t) => {
  const rules = await RuleServer.start()
  t.after(() => rules.stop())
  const repository = new Repository(rules, 'private.git')
  repository.commit({ 'secret.yar': finds('secret') })
  rules.answer('private.git/*', (request, response) => {
    const expected = `Basic ${Buffer.from('somebody:the-secret').toString('base64')}`
    if (request.headers.authorization === expected) rules.throughGit(request, response)
    else response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
  })
  const folder = folderWith(t)
  writeFileSync(join(folder, 'token'), 'somebody:the-secret\n')
  const add = [
    'rules',
    'sources',
    'add',
    rules.url('private.git'),
    '--name',
    'private',
    '--data',
    join(folder, 'data'),
    ...networks,
    '--rule-source-ca',
    rules.ca,
  ]
  const refused = await backtrail(add, { timeoutMs: 240_000 })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /wants a token/)
  const added = await backtrailTo(0, [...add, '--access-token-file', join(folder, 'token'), '--import', '--json'], {
    timeoutMs: 240_000,
  })
  assert.equal(JSON.parse(added.stdout).result.created, 1)
})
