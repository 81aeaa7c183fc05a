/** A manager and three appliances, of which the third lets the last one win; all real processes. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Answer, type Json, until } from '../faults/killable-server.ts'
import { lacking, RuleServer } from '../rule-sources/rule-server.ts'
import { rule, startAppliances } from './appliances.ts'

test('what is published on one of three appliances is on all of them', { timeout: 600_000 }, async (t) => {
  const rules = lacking ? null : await RuleServer.start()
  t.after(() => rules?.stop())
  const sources = ['--rule-source-hosts', 'localhost', '--rule-source-networks', '127.0.0.0/8,::1']
  const cluster = await startAppliances(t, {
    ofOne: rules === null ? [] : [...sources, '--rule-source-ca', rules.ca],
    ofThree: ['--sync-conflicts', 'last-wins'],
  })
  const [one, two, three] = cluster.appliances
  await t.test('a new ruleset, with what became of it in the answer', async () => {
    const published = await one.demandPublished('walked', rule('first'))
    assert.deepEqual([published.state, published.problem], ['published', null])
    assert.deepEqual(await cluster.untilSame(), { walked: `+${rule('first')}` })
  })

  await t.test('a new text from another appliance, a switch, and a deletion', async () => {
    await two.demandPublished('walked', rule('second'))
    assert.deepEqual(await cluster.untilSame(), { walked: `+${rule('second')}` })
    const { json } = await three.switchTo('walked', 'disable')
    assert.deepEqual([json.message, json.detail.published.state], ['Ruleset disabled successfully.', 'published'])
    assert.deepEqual(await cluster.untilSame(), { walked: `-${rule('second')}` })
    await one.remove('walked')
    for (const each of cluster.appliances) await each.untilRules({ walked: null })
  })

  await t.test('every ruleset at once, and one that was there before', async () => {
    await one.demandRuleset('before_a', rule('a'))
    await one.demandRuleset('before_b', rule('b'))
    assert.equal((await two.call('GET', '/api/yara/ruleset/content/?name=before_a')).status, 404)
    const all = await one.call('POST', '/api/yara/publish/all/')
    assert.deepEqual([all.status, all.json.detail.rulesets], [200, 2])
    assert.deepEqual(await cluster.untilSame(), { before_a: `+${rule('a')}`, before_b: `+${rule('b')}` })
    const again = await one.call('POST', '/api/yara/publish/ruleset/before_a/')
    assert.deepEqual([again.status, again.json.detail.published.state], [200, 'published'])
  })

  await t.test('a text that does not compile stays where it was saved', async () => {
    const { status, json } = await one.publish('broken', 'rule broken { condition: }')
    assert.equal(status, 500)
    assert.match(json.message, /Ruleset saved successfully/)
    assert.equal(json.detail.published.state, 'not-published')
    assert.equal((await one.call('GET', '/api/yara/ruleset/content/?name=broken')).status, 200)
    await one.removeRuleset('broken')
    assert.equal((await two.call('GET', '/api/yara/ruleset/content/?name=broken')).status, 404)
  })

  await t.test('core rulesets do not travel', async () => {
    const json = { name: 'core_here', content: rule('core') }
    assert.equal((await one.call('POST', '/api/rulesets/core/', json)).status < 300, true)
    const { status, json: refused } = await one.call('POST', '/api/yara/publish/ruleset/core_here/')
    assert.deepEqual([status, refused.message], [401, 'Core ruleset cannot be published'])
    await one.call('POST', '/api/yara/publish/all/')
    assert.ok(!('core_here' in (await two.rules())))
  })

  await t.test('two edits at once: the first is taken, both texts can be seen, and a person decides', async () => {
    await one.demandPublished('decided', rule('base'))
    await cluster.untilSame()
    two.line.fault = { kind: 'refused' }
    assert.equal((await two.demandPublished('decided', rule('of two'))).state, 'waiting')
    await one.demandPublished('decided', rule('of one'))
    two.line.fault = { kind: 'fair' }
    const shared = await two.untilShared('decided', 'OutOfSync')
    assert.deepEqual([shared.own_text, shared.shared_text], [rule('of two'), rule('of one')])
    assert.equal(shared.needs_decision, true)
    assert.equal((await three.rules()).decided, `+${rule('of one')}`)
    assert.equal((await two.resolve('decided', 'own', 1)).status, 409)
    assert.equal((await two.resolve('decided', 'own')).json.state, 'published')
    assert.equal((await cluster.untilSame()).decided, `+${rule('of two')}`)

    await one.demandRuleset('decided', rule('of one, by itself'))
    await one.untilShared('decided', 'OutOfSync')
    assert.equal((await one.resolve('decided', 'shared')).json.state, 'published')
    assert.equal((await cluster.untilSame()).decided, `+${rule('of two')}`)
    assert.ok((await one.texts('decided')).includes(rule('of one, by itself')))
  })

  await t.test('what a rule source brings for a shared ruleset goes to all', { skip: lacking }, async () => {
    const serve = (files: Readonly<Record<string, string>>) =>
      rules?.serve(
        'set.zip',
        storedZip(Object.entries(files).map(([name, text]) => ({ name: Buffer.from(name), bytes: Buffer.from(text) }))),
      )
    const sync = async () => {
      const { json } = await one.call('POST', `/api/rule-sources/${source.id}/sync/`, {})
      let latest: Json
      await until(
        async () => {
          latest = (await one.call('GET', `/api/rule-sources/${source.id}/`)).json
          return (latest.last_run?.run ?? -1) >= json.run && latest.activity === null
        },
        () => `the source is synchronized: ${JSON.stringify(latest)}`,
      )
      assert.deepEqual([latest.state, latest.last_run.outcome.problems], ['synced', []])
    }
    const stay = { 'stays.yar': rule('stays here') }
    serve({ 'sourced.yar': rule('first'), ...stay })
    const url = rules?.url('set.zip')
    const body = { url, name: 'walked', source_branch: '', api_token: '', import_update_preferences: 0 }
    const { status, json: source } = await one.call('POST', '/api/yara/repositories/', body)
    assert.equal(status, 201, JSON.stringify(source))
    await sync()
    assert.ok('stays' in (await one.rules()))
    assert.equal((await one.call('POST', '/api/yara/publish/ruleset/sourced/')).status, 200)
    await two.untilRules({ sourced: `+${rule('first')}` })

    serve({ 'sourced.yar': rule('second'), ...stay })
    await sync()
    for (const each of [two, three]) await each.untilRules({ sourced: `+${rule('second')}`, stays: null })
    assert.equal((await two.shared('sourced')).author, 'admin')

    // Somebody else was first: both texts stay, as with an edit.
    one.line.fault = { kind: 'refused' }
    serve({ 'sourced.yar': rule('third'), ...stay })
    await sync()
    assert.equal((await one.shared('sourced')).state, 'Publishing')
    await two.demandPublished('sourced', rule('of two'))
    one.line.fault = { kind: 'fair' }
    const shared = await one.untilShared('sourced', 'OutOfSync')
    assert.deepEqual([shared.own_text, shared.shared_text], [rule('third'), rule('of two')])
    assert.equal((await one.resolve('sourced', 'own')).json.state, 'published')
    for (const each of [two, three]) await each.untilRules({ sourced: `+${rule('third')}` })

    serve(stay)
    await sync()
    for (const each of cluster.appliances) await each.untilRules({ sourced: `-${rule('third')}` })
    await one.removeRuleset('stays')
    assert.equal((await one.remove('sourced')).state, 'published')
    for (const each of cluster.appliances) await each.untilRules({ sourced: null })
  })

  await t.test('the manager says how each appliance stands', async () => {
    let json: Json
    // Whoever published has to hear of its own change too.
    await until(
      async () => {
        json = (await cluster.manager.call('GET', '/api/appliances/')).json
        return json.results.every(({ report }: Json) => report.sequence === json.sequence)
      },
      () => `all appliances know the log up to its end: ${JSON.stringify(json)}`,
    )
    for (const { report, last_seen, name } of json.results as Json[]) {
      assert.deepEqual([report.digest, report.problem], [json.digest, null], name)
      assert.match(report.engine, /YARA/i)
      assert.ok(Date.parse(last_seen) > Date.now() - 120_000)
    }
    await cluster.manager.call('POST', '/api/appliances/three/disable/')
    assert.ok((await cluster.states()).includes('three Disabled'))
    const refusal =
      /^Nothing was published: YARA synchronization is not enabled for this appliance on the connected manager/
    let refused: Answer | null = null
    await until(
      async () => {
        refused = await three.publish('never', rule('never'))
        return refused.status === 403
      },
      () => `three is told that it is disabled: ${JSON.stringify(refused)}`,
    )
    assert.match((refused as Answer | null)?.json.message, refusal)
    await cluster.manager.call('POST', '/api/appliances/three/enable/')
    await cluster.untilSame()
    assert.equal((await three.call('GET', '/api/appliances/')).status, 404, 'an appliance is no manager')
    assert.equal(
      (await cluster.manager.call('GET', '/api/shared-rulesets/')).status,
      404,
      'a manager alone shares nothing itself',
    )
  })

  await t.test(
    'where the last one wins, a text that was published later is everywhere, and the other is a revision',
    async () => {
      await one.demandPublished('won', rule('base'))
      await cluster.untilSame()
      three.line.fault = { kind: 'refused' }
      await three.demandPublished('won', rule('of three'))
      await one.demandPublished('won', rule('of one'))
      three.line.fault = { kind: 'fair' }
      assert.equal((await cluster.untilSame()).won, `+${rule('of three')}`)
      assert.ok((await one.texts('won')).includes(rule('of one')))
    },
  )

  await t.test('a token of an appliance opens the protocol and nothing else', async () => {
    const { manager } = cluster
    const { json } = await manager.call('POST', '/api/appliances/', { name: 'stolen' })
    const ask = (path: string) => fetch(manager.url + path, { headers: { authorization: `Token ${json.token}` } })
    assert.equal((await ask('/api/manager/v1/identity/')).status, 200)
    for (const path of ['/api/appliances/', '/api/users/', '/api/samples/', '/api/health/'])
      assert.equal((await ask(path)).status, 403, path)
    // The token before it is refused from now on.
    assert.equal((await manager.call('POST', '/api/appliances/stolen/token/')).status, 200)
    assert.equal((await ask('/api/manager/v1/identity/')).status, 401)
    assert.equal((await manager.call('DELETE', '/api/appliances/stolen/')).status, 200)
  })

  await t.test('who is between an appliance and its manager, or has a token, cannot pass for the manager', async () => {
    await one.demandPublished('signed', rule('signed'))
    await cluster.untilSame()
    const { sequence } = await two.status()
    const { privateKey } = generateKeyPairSync('ed25519')
    const payload = JSON.stringify({
      kind: 'entries',
      entries: [{ ...deletion, name: 'signed', sequence: sequence + 1 }],
      at: { sequence: sequence + 1, chain: 'a'.repeat(64) },
      more: false,
    })
    const forged = ['AAAA', '', 'a'.repeat(100_000), sign(null, Buffer.from(payload), privateKey).toString('base64')]
    two.line.onlyFor = 'POST /api/manager/v1/follow/'
    for (const signature of forged) {
      two.line.fault = { kind: 'garbage', text: JSON.stringify({ payload, signature }) }
      const asked = two.line.passed.length
      // Its wait for news ends with the next change of its own.
      await two.demandPublished('of_two', rule(`${asked} ${signature.length}`))
      let status: Json
      await until(
        async () => {
          status = await two.status()
          return /signs with another key/.test(status.problem ?? '')
        },
        () => `two does not believe a stranger: ${JSON.stringify(status)}`,
      )
      assert.equal((await two.rules()).signed, `+${rule('signed')}`)
      two.line.fault = { kind: 'fair' }
      await cluster.untilSame()
    }
    two.line.onlyFor = ''
  })

  await cluster.manager.stop()
  for (const each of cluster.appliances) await each.stop()
})

/** What a stranger would like an appliance to take. */
const deletion = {
  version: 9,
  digest: null,
  enabled: false,
  author: 'eve',
  appliance: 'one',
  change: randomUUID(),
  time: 1,
}
