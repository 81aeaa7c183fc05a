/** Rule sources through the API: adding, previewing, keeping up to date, and what is edited in between. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../faults/killable-server.ts'
import { type Json, TestServer, type User } from '../http/harness.ts'
import { lacking, Repository, RuleServer } from './rule-server.ts'

let rules: RuleServer
let server: TestServer

const skip = lacking

before(async () => {
  if (skip) return
  rules = await RuleServer.start()
  server = await TestServer.start({
    ruleSourceHosts: ['localhost', '127.0.0.1'],
    ruleSourceNetworks: ['127.0.0.0/8', '::1'],
    ruleSourceCa: rules.ca,
  })
  server.appliance.ruleSources.start()
})
after(async () => {
  await server?.stop()
  await rules?.stop()
})

const finds = (rule: string, text = `${rule} is looked for`) =>
  `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

async function add(url: string, more: Json = {}, as: User = 'admin'): Promise<Json> {
  const json = { url, name: '', source_branch: '', api_token: '', import_update_preferences: 0, ...more }
  const { status, json: answer, text } = await server.post('/api/yara/repositories/', { as, json })
  assert.equal(status, 201, text)
  return answer
}

/** The ended run. */
async function sync(id: number, json: Json = {}, as: User = 'admin'): Promise<Json> {
  const started = await server.post(`/api/rule-sources/${id}/sync/?${new URLSearchParams(json)}`, { as })
  assert.equal(started.status, 202, started.text)
  return ended(id, started.json.run)
}

async function ended(id: number, run = 0): Promise<Json> {
  let source: Json
  await until(
    async () => {
      source = (await server.get(`/api/rule-sources/${id}/`)).json
      return (source.last_run?.run ?? -1) >= run && source.activity === null
    },
    () => `the run ends: ${JSON.stringify(source)}`,
    120_000,
  )
  return { ...source, ...source.last_run?.outcome }
}

async function preview(id: number): Promise<Json> {
  const started = await server.post(`/api/rule-sources/${id}/preview/`)
  assert.equal(started.status, 202, started.text)
  let latest: Json
  await until(
    async () => {
      const answer = await server.get(`/api/rule-sources/${id}/preview/`)
      latest = answer.json
      return answer.status === 200 && latest.run >= started.json.run
    },
    () => `the preview ends: ${JSON.stringify(latest)}`,
    120_000,
  )
  return latest
}

const content = async (name: string): Promise<string | undefined> =>
  (await server.get(`/api/yara/ruleset/content/?name=${encodeURIComponent(name)}`)).json.detail?.content

const statusOf = async (name: string): Promise<string> => (await server.get(`/api/rulesets/${name}/`)).json.status

const filesOf = async (id: number): Promise<Json[]> => (await server.get(`/api/rule-sources/${id}/files/`)).json.results

test('a repository is added, previewed, imported and followed: new, changed and removed files', {
  skip,
  timeout: 600_000,
}, async () => {
  const repository = new Repository(rules, 'team/rules.git')
  const first = repository.commit({
    'README.md': 'no rules',
    'windows/mal.yar': finds('one'),
    'linux/mal.yar': finds('two'),
    'broad.yara': 'rule broad { condition: filesize > 0 }',
    'bad.yar': 'rule good { condition: false }\nrule bad {\n  condition: $nowhere }\n',
    'worse.yar': 'rule worse {\n  condition: nothing_here }\n',
  })
  await server.upload('a sample with one is looked for in it', 'sample.txt')

  const added = await add(rules.url(repository.path), { name: 'team' })
  assert.deepEqual(
    { ...added, last_modified: '' },
    {
      id: added.id,
      url: rules.url(repository.path),
      name: 'team',
      source_branch: '',
      source_type: 0,
      api_token: '',
      import_update_preferences: 0,
      is_custom: true,
      last_modified: '',
      user: added.user,
    },
  )
  const looked = await preview(added.id)
  assert.equal(looked.version, first)
  assert.deepEqual(
    looked.files.map(({ path, ruleset, step, runs }: Json) => [path, ruleset, step, runs]),
    [
      ['bad.yar', 'bad', 'create', true],
      ['broad.yara', 'broad', 'create', true],
      ['linux/mal.yar', 'linux_mal', 'create', true],
      ['windows/mal.yar', 'windows_mal', 'create', true],
      ['worse.yar', 'worse', 'create', false],
    ],
  )
  const byPath = Object.fromEntries(looked.files.map((file: Json) => [file.path, file]))
  assert.match(byPath['bad.yar'].problems[0], /^bad\.yar:3:14: rule bad is left out: /)
  assert.match(byPath['worse.yar'].problems[0], /^worse\.yar:2:14: /)
  assert.deepEqual(byPath['broad.yara'].broad_rules, ['broad'])
  assert.deepEqual(byPath['broad.yara'].expected.samples, looked.corpus.samples)
  assert.deepEqual(byPath['linux/mal.yar'].broad_rules, [])
  assert.equal((await server.get('/api/rulesets/linux_mal/')).status, 404, 'a preview changes nothing')

  const imported = await sync(added.id)
  assert.deepEqual([imported.state, imported.version, imported.created], ['synced', first, 4])
  assert.equal(await content('linux_mal'), finds('two'))
  const [revision] = (await server.get('/api/rulesets/windows_mal/revisions/')).json.results
  assert.deepEqual(revision.origin, {
    source: 'team',
    url: rules.url(repository.path),
    path: 'windows/mal.yar',
    version: first,
  })
  const worse = (await filesOf(added.id)).find(({ path }) => path === 'worse.yar')
  assert.deepEqual([worse.state, worse.ruleset], ['offered', null])
  assert.match(worse.problem, /^worse\.yar:2:14: /)

  const second = repository.commit({
    'windows/mal.yar': finds('one', 'another text'),
    'broad.yara': 'rule broken_now {',
    'bad.yar': finds('good'),
    'new.yar': finds('fresh'),
  })
  const again = await sync(added.id)
  assert.deepEqual(
    [again.version, again.created, again.updated, again.removed],
    [second, 1, 2, 1],
    JSON.stringify(again),
  )
  assert.equal(await content('windows_mal'), finds('one', 'another text'))
  assert.equal(await content('broad'), 'rule broad { condition: filesize > 0 }', 'what ran stays')
  assert.match((await filesOf(added.id)).find(({ path }) => path === 'broad.yara').problem, /^broad\.yara:1:/)
  assert.equal(await statusOf('linux_mal'), 'disabled')
  assert.equal((await filesOf(added.id)).find(({ path }) => path === 'linux/mal.yar').state, 'gone')

  repository.commit({ 'linux/mal.yar': finds('two'), 'windows/mal.yar': finds('one', 'another text') })
  await sync(added.id)
  assert.equal(await statusOf('linux_mal'), 'active', 'a file that is back has its ruleset back')
  assert.equal(await content('windows_mal'), finds('one', 'another text'))

  const removed = await server.delete(`/api/yara/repositories//${added.id}/?shouldRemoveRulesets=True`)
  assert.equal(removed.status, 200, removed.text)
  assert.equal((await server.get('/api/rulesets/linux_mal/')).status, 404)
  assert.equal((await server.get(`/api/rule-sources/${added.id}/`)).status, 404)
})

test('a ruleset that was edited here is left alone and says so, until it is to be overwritten', {
  skip,
  timeout: 600_000,
}, async () => {
  const repository = new Repository(rules, 'edited.git')
  repository.commit({ 'kept.yar': finds('kept'), 'gone.yar': finds('gone_one') })
  const { id } = await add(rules.url(repository.path), { name: 'edited' }, 'ana')
  await sync(id, {}, 'ana')
  await server.saveRuleset('kept', finds('kept', 'edited here'), 'ana')
  const deleted = await server.delete('/api/yara/ruleset/', { as: 'ana', form: { name: 'gone' } })
  assert.equal(deleted.status, 200, deleted.text)

  repository.commit({ 'kept.yar': finds('kept', 'changed upstream'), 'gone.yar': finds('gone_one', 'changed too') })
  const left = await sync(id, {}, 'ana')
  assert.deepEqual([left.state, left.detached, left.updated, left.created], ['synced', 1, 0, 0])
  assert.equal(await content('kept'), finds('kept', 'edited here'))
  assert.deepEqual(
    (await filesOf(id)).map(({ path, state }) => [path, state]),
    [
      ['gone.yar', 'deleted'],
      ['kept.yar', 'detached'],
    ],
  )
  repository.commit({ 'other.yar': finds('other') })
  assert.equal((await sync(id, {}, 'ana')).removed, 0)
  assert.equal(await statusOf('kept'), 'active', 'what was edited here is not disabled by its file’s absence')

  repository.commit({ 'kept.yar': finds('kept', 'changed again'), 'gone.yar': finds('gone_one') })
  const overwritten = await sync(id, { overwrite: 'true' }, 'ana')
  assert.deepEqual([overwritten.detached, overwritten.updated], [0, 1])
  assert.equal(await content('kept'), finds('kept', 'changed again'))
  assert.equal(await content('gone'), finds('gone_one'))

  // The source's own text from elsewhere, as from an appliance that follows it too.
  await server.saveRuleset('kept', finds('kept', 'newer'), 'ana')
  repository.commit({ 'kept.yar': finds('kept', 'newer'), 'gone.yar': finds('gone_one') })
  const met = await sync(id, {}, 'ana')
  assert.deepEqual([met.detached, met.updated, (await filesOf(id))[1]?.state], [0, 1, 'imported'])
})

test('a source keeps itself up to date as it was told to: not at all, what it has, or with what is new', {
  skip,
  timeout: 600_000,
}, async () => {
  const repositories = [0, 1, 2].map((mode) => new Repository(rules, `mode${mode}.git`))
  const sources: Json[] = []
  for (const [mode, repository] of repositories.entries()) {
    repository.commit({ [`mode${mode}.yar`]: finds(`mode${mode}`) })
    const source = await add(rules.url(repository.path), { name: `mode${mode}`, import_update_preferences: mode })
    sources.push(source)
    if (mode < 2) assert.equal((await server.get(`/api/rulesets/mode${mode}/`)).status, 404)
    if (mode < 2) {
      const done = await sync(source.id)
      assert.equal(done.state, 'synced', JSON.stringify(done))
    } else
      await until(
        async () => (await content('mode2')) !== undefined,
        () => 'it is imported without being asked',
      )
    await ended(source.id)
    repository.commit({ [`mode${mode}.yar`]: finds(`mode${mode}`, 'newer'), [`more${mode}.yar`]: finds(`more${mode}`) })
  }
  const ran = await server.post('/api/yara/update/run/')
  assert.equal(ran.status, 200, ran.text)
  await until(
    async () => (await content('mode1')) === finds('mode1', 'newer') && (await content('more2')) !== undefined,
    () => 'the updates are there',
  )
  for (const { id } of sources) await ended(id)
  assert.equal(await content('mode0'), finds('mode0'))
  assert.equal(await content('mode2'), finds('mode2', 'newer'))
  assert.equal(await content('more1'), undefined)
  assert.equal((await filesOf(sources[1].id)).find(({ path }) => path === 'more1.yar').state, 'offered')

  const interval = async () => (await server.get('/api/rule-sources/')).json.interval
  assert.equal(await interval(), 86_400)
  assert.equal((await server.post('/api/yara/update/set-interval/1/')).status, 200)
  repositories[1]?.commit({ 'mode1.yar': finds('mode1', 'newest') })
  await until(
    async () => (await content('mode1')) === finds('mode1', 'newest'),
    () => 'it is fetched by itself',
  )
  assert.equal((await server.post('/api/yara/update/set-interval/0/')).status, 200)
  assert.equal(await interval(), 0)
  await until(
    async () =>
      (await server.get('/api/rule-sources/')).json.results.every(
        ({ next, activity }: Json) => next === null && activity === null,
      ),
    () => 'nothing is due any more',
  )
  assert.equal((await server.post('/api/yara/update/reset-interval/')).status, 200)
  assert.equal(await interval(), 86_400)
  assert.equal((await server.post('/api/yara/update/run/', { as: 'ana' })).status, 403)
})

test('sources are listed as the SDK reads them, and belong to whoever added them', {
  skip,
  timeout: 300_000,
}, async () => {
  const repository = new Repository(rules, 'owned.git')
  repository.commit({ 'owned.yar': finds('owned') })
  const body = {
    url: rules.url(repository.path),
    name: 'owned',
    source_branch: 'main',
    api_token: 'secret-token',
    import_update_preferences: 0,
  }
  const { id } = await add(body.url, body, 'ana')
  const listed = await server.get('/api/yara/repositories/?active_filter=user&page_size=1&page=1')
  assert.equal(listed.status, 200, listed.text)
  assert.equal(listed.json.results.length, 1)
  const next = new URL(listed.json.next)
  assert.equal((await server.get(next.pathname + next.search)).status, 200)
  assert.equal((await server.get('/api/yara/repositories/?active_filter=system')).json.count, 0)
  const [own] = (await server.get('/api/yara/repositories/')).json.results.filter(({ name }: Json) => name === 'owned')
  assert.equal(own.api_token, '********')
  assert.doesNotMatch(server.logged(), /secret-token/)

  const path = `/api/yara/repositories//${id}/`
  assert.equal((await server.call('PUT', path, { as: 'ben', json: body })).json.error, 'source.foreign')
  assert.equal((await server.delete(path, { as: 'ben' })).json.error, 'source.foreign')
  assert.equal(
    (await server.post(`/api/rule-sources/${id}/sync/`, { as: 'ben', json: {} })).json.error,
    'source.foreign',
  )
  const changed = await server.call('PUT', path, {
    as: 'ana',
    json: { ...body, api_token: '********', name: 'owned anew' },
  })
  assert.equal(changed.status, 200, changed.text)
  assert.deepEqual([changed.json.name, changed.json.api_token], ['owned anew', '********'])
  assert.equal(
    (await server.post('/api/yara/repositories/', { as: 'ben', json: { ...body, name: 'owned anew' } })).json.error,
    'source.exists',
  )
  await sync(id, {}, 'admin')
  const { owner } = (await server.get('/api/rulesets/owned/')).json
  assert.equal(owner, 'ana')
  assert.equal((await server.delete(path, { as: 'ana' })).status, 200)
  assert.equal(await statusOf('owned'), 'active', 'rulesets stay unless they are to go')
})

test('includes of files in the repository are resolved, and never lead out of it', {
  skip,
  timeout: 300_000,
}, async () => {
  const repository = new Repository(rules, 'includes.git')
  repository.commit({
    'index.yar': 'include "parts/first.yar"\ninclude "parts/second.yar"\n',
    'parts/first.yar': `include "../shared/words.inc"\n${finds('first')}`,
    'parts/second.yar': finds('second'),
    'shared/words.inc': 'private rule words { condition: filesize > 1 }\n',
    'out.yar': '// one line\n  include "../../etc/passwd"\nrule out { condition: false }',
    'round.yar': 'include "round2.yar"\nrule round { condition: false }',
    'round2.yar': 'include "round.yar"\nrule round2 { condition: false }',
    'gone.yar': 'include "nowhere.yar"\nrule gone_include { condition: false }',
    'wrong.yar': 'include "shared/wrong.inc"\nrule wrong { condition: false }',
    'shared/wrong.inc': '\n\nrule in_include { condition: missing }\n',
  })
  const { id } = await add(rules.url(repository.path), { name: 'includes' })
  const done = await sync(id)
  assert.match((await content('first')) ?? '', /private rule words/)
  assert.equal((await server.get('/api/rulesets/index/')).status, 404, 'a file that only gathers others is none')
  const problems = done.problems.join('\n')
  assert.match(problems, /^out\.yar:2:3: include "\.\.\/\.\.\/etc\/passwd": it lies outside of the repository$/m)
  assert.match(problems, /^round\.yar:1:1: include .*|round2\.yar:1:1: .*includes itself/m)
  assert.match(problems, /^gone\.yar:1:1: include "nowhere\.yar": there is no such file$/m)
  assert.match(problems, /^shared\/wrong\.inc:3:30: /m)
})

test('a failure is kept visible, and the source is fetched again by itself', { skip, timeout: 300_000 }, async () => {
  const repository = new Repository(rules, 'failing.git')
  repository.commit({ 'failing.yar': finds('failing') })
  const { id } = await add(rules.url(repository.path), { name: 'failing' })
  await sync(id)
  repository.commit({ 'failing.yar': finds('failing', 'newer') })
  rules.answer('failing.git*', (_request, response) => response.writeHead(500).end('down'))
  const failed = await sync(id)
  assert.deepEqual([failed.state, failed.failures], ['failed', 1])
  assert.match(failed.problem, /500/)
  assert.ok(failed.next !== null)
  assert.equal(await content('failing'), finds('failing'))
  rules.answer('failing.git*', (request, response) => rules.throughGit(request, response))
  await until(
    async () => (await content('failing')) === finds('failing', 'newer'),
    () => 'it is fetched again',
    120_000,
  )
  const healed = await ended(id)
  assert.deepEqual([healed.state, healed.failures, healed.problem], ['synced', 0, null])
})

const manyRules = process.env.BACKTRAIL_LONG === '1' ? 15_000 : 4_000

test('one file with thousands of rules is previewed, imported and updated', { skip, timeout: 900_000 }, async () => {
  const repository = new Repository(rules, 'many-rules.git')
  const text = (mark: string) =>
    Array.from({ length: manyRules }, (_, n) => finds(`many_${n}`, `${mark} ${n}`)).join('')
  repository.commit({ 'all.yar': text('first') })
  const { id } = await add(rules.url(repository.path), { name: 'many rules' })
  const looked = await preview(id)
  assert.deepEqual([looked.problem, looked.files[0].runs], [null, true], JSON.stringify(looked).slice(0, 500))
  assert.equal((await sync(id)).created, 1)
  assert.equal(await content('all'), text('first'))
  repository.commit({ 'all.yar': text('second') })
  assert.equal((await sync(id)).updated, 1)
  assert.equal(await statusOf('all'), 'active')
})

test('a name that another ruleset has is not taken over', { skip, timeout: 300_000 }, async () => {
  await server.saveRuleset('taken', finds('taken'), 'ben')
  const repository = new Repository(rules, 'names.git')
  repository.commit({ 'taken.yar': finds('from_source') })
  const { id } = await add(rules.url(repository.path), { name: 'other team' })
  await sync(id)
  assert.equal(await content('taken'), finds('taken'))
  assert.equal(await content('other_team_taken'), finds('from_source'))
})

test('a synchronization that is stopped with the server says so, and not how an earlier one ended', {
  skip,
  timeout: 300_000,
}, async () => {
  const repository = new Repository(rules, 'stopped.git')
  repository.commit({ 'stopped.yar': finds('stopped') })
  const { id } = await add(rules.url(repository.path), { name: 'stopped' })
  assert.equal((await sync(id)).created, 1)
  // The last test of the file: nothing is fetched after it.
  const { ruleSources, accounts } = server.appliance
  const operator = await accounts.users.operator()
  const asked = Promise.withResolvers<void>()
  rules.answer('stopped.git*', () => asked.resolve())
  const second = ruleSources.synchronize(operator, id, false)
  second.catch(() => undefined)
  await asked.promise
  await ruleSources.stop()
  await assert.rejects(second, { code: 'source.failed', message: /stopped/ })
})
