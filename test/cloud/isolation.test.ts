/**
 * Nobody meets what is another's: every address of the protocol is walked as one tenant against what another tenant
 * has, under names that both use and names that only the other uses; both against the API of the appliance, and the
 * appliance's users against the cloud.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { RulesetAccepted, type TcaRoute, tcaPath, tcaRoutes } from '../../src/tca/index.ts'
import { KillableServer } from '../faults/killable-server.ts'
import { findingsOf, nowSeconds, Tenant } from './tenant.ts'

const sha1 = (content: string | Uint8Array) => createHash('sha1').update(content).digest('hex')
const rule = (name: string) => `rule ${name} { strings: $a = "the common word" condition: $a }`

test('nobody meets what is another’s', { timeout: 120_000 }, async (t) => {
  const server = new KillableServer(t, ['--role', 'both', '--tenant-retro-rate', '0'])
  await server.start()

  await t.test('each tenant has its own rulesets, hunts, feeds and usage, whatever it asks for', async () => {
    const [acme, rival] = [await Tenant.add(server, 'acme', { contributes: true }), await Tenant.add(server, 'rival')]
    const start = nowSeconds()
    await server.demandRuleset('same', rule('OfTheAppliance'))
    await acme.create('same', rule('OfAcme'))
    await acme.create('acmes_only', rule('OfAcme'))
    await rival.create('same', rule('OfRival'))
    const content = Buffer.from('this has the common word')
    await server.untilProcessed([await server.take(content, 'sample')])
    for (const name of ['same', 'acmes_only']) {
      await acme.startRetro(name)
      await acme.retroEnded(name)
    }
    const ofAcme = [`acmes_only ${sha1(content)} OfAcme`, `same ${sha1(content)} OfAcme`]
    const ofRival = [`same ${sha1(content)} OfRival`]
    assert.deepEqual(await bothFeeds(acme, start), [ofAcme, ofAcme])

    // What the rival gets of each address. The compiler and the last assertion see that none is left out.
    const walked: Record<TcaRoute, () => Promise<unknown>> = {
      rulesets: async () => {
        const names = await rival.demand(null, 'GET', tcaPath('rulesets', {}))
        assert.deepEqual(
          names.map((each: { ruleset_name: string }) => each.ruleset_name),
          ['same'],
        )
        // The name is the rival's to use, and its text another.
        await rival.create('acmes_only', rule('OfRival'))
        await rival.demand(null, 'DELETE', tcaPath('ruleset', { name: 'acmes_only' }))
      },
      ruleset: async () => {
        await rival.refused(404, 'GET', tcaPath('ruleset', { name: 'acmes_only' }))
        await rival.refused(404, 'DELETE', tcaPath('ruleset', { name: 'acmes_only' }))
      },
      rulesetText: async () => {
        await rival.refused(404, 'GET', tcaPath('rulesetText', { name: 'acmes_only' }))
        const same = await rival.demand(null, 'GET', tcaPath('rulesetText', { name: 'same' }))
        assert.equal(same.text, rule('OfRival'))
      },
      enableRetro: () => rival.refused(404, 'POST', tcaPath('enableRetro', {}), { ruleset_name: 'acmes_only' }),
      startRetro: () => rival.refused(404, 'POST', tcaPath('startRetro', {}), { ruleset_name: 'acmes_only' }),
      cancelRetro: () => rival.refused(404, 'POST', tcaPath('cancelRetro', {}), { ruleset_name: 'acmes_only' }),
      retroStatus: async () => {
        await rival.refused(404, 'GET', tcaPath('retroStatus', { name: 'acmes_only' }))
        assert.equal((await rival.retro('same')).retro_status, 'VALIDATION_SUCCESS')
      },
      liveFeed: async () => assert.deepEqual(findingsOf(await rival.feed('live', start)), ofRival),
      retroFeed: async () => assert.deepEqual(await rival.feed('retro', start), []),
      usage: async () => {
        const usage = await rival.demand(null, 'GET', tcaPath('usage', {}))
        assert.equal(usage.rl.number_of_active_rulesets, 1)
      },
      upload: () => rival.refused(403, 'POST', tcaPath('upload', { sha1: sha1(content) }), content),
      uploadMeta: async () => {
        await rival.refused(403, 'POST', tcaPath('uploadMeta', { sha1: sha1(content) }), '<rl/>')
        // Acme contributes, but not this sample: it is the operator's.
        await acme.refused(404, 'POST', tcaPath('uploadMeta', { sha1: sha1(content) }), '<rl/>')
      },
    }
    assert.deepEqual(Object.keys(walked).sort(), Object.keys(tcaRoutes).sort())
    for (const walk of Object.values(walked)) await walk()

    // What the rival does to its own of that name leaves the other's as it is.
    await rival.startRetro('same')
    await rival.retroEnded('same')
    assert.deepEqual(findingsOf(await rival.feed('retro', start)), ofRival)
    await rival.demand(RulesetAccepted, 'DELETE', tcaPath('ruleset', { name: 'same' }))
    assert.deepEqual(await bothFeeds(acme, start), [ofAcme, ofAcme])
    assert.equal((await acme.retro('same')).retro_status, 'FINISHED')

    // The appliance in the same process knows its own ruleset only, and its matches count for nobody else.
    const { json } = await server.call('GET', '/api/yara/v2/rulesets/?type=all')
    assert.deepEqual(
      json.results.map(({ name, owner, unknown_match_count }: Record<string, unknown>) => [
        name,
        owner,
        unknown_match_count,
      ]),
      [['same', 'admin', 1]],
    )
    assert.deepEqual(await server.matchesOf('same'), [
      `OfTheAppliance ${createHash('sha256').update(content).digest('hex')}`,
    ])
    await server.startRetro()
    await server.retroCompleted()
    assert.equal((await server.call('GET', '/api/overview/')).json.matches, 1)
    assert.equal((await server.call('GET', '/api/yara/ruleset/content/?name=acmes_only')).status, 404)
    assert.equal((await server.call('GET', '/api/yara/v2/ruleset/matches/?name=acmes_only')).status, 404)
    const everything = JSON.stringify([
      (await server.call('GET', '/api/matches/')).json,
      (await server.call('GET', '/api/health/')).json.journal,
    ])
    assert.doesNotMatch(everything, /OfAcme|OfRival|acmes_only/)
  })

  await t.test('with a tenant goes everything that it had', async () => {
    const [leaver, other] = [await Tenant.add(server, 'leaver'), await Tenant.add(server, 'other')]
    const start = nowSeconds()
    await leaver.create('same', rule('OfLeaver'))
    await other.create('same', rule('OfOther'))
    await server.untilProcessed([await server.take(Buffer.from('the common word once more'), 'sample')])
    assert.equal((await leaver.feed('live', start)).length, 1)
    assert.equal((await server.call('DELETE', '/api/users/leaver/')).status, 204)
    await leaver.refused(401, 'GET', tcaPath('rulesets', {}))
    const successor = await Tenant.add(server, 'leaver')
    assert.deepEqual(await successor.demand(null, 'GET', tcaPath('rulesets', {})), [])
    const feeds = await Promise.all([successor.feed('live', start), other.feed('live', start)])
    assert.deepEqual(
      feeds.map((entries) => entries.length),
      [0, 1],
    )
  })

  await t.test('a tenant is nobody to the appliance, and a user of the appliance nobody to the cloud', async () => {
    const guest = await Tenant.add(server, 'guest')
    const logIn = (path: string) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'x-backtrail-page': '1' },
        body: new URLSearchParams({ username: guest.name, password: guest.password }),
      })
    assert.equal((await logIn('/api-token-auth/')).status, 400)
    assert.ok([400, 403, 415].includes((await logIn('/api/session/')).status))
    for (const path of ['/api/yara/v2/rulesets/', '/api/overview/', '/api/users/', '/api/health/', '/api/samples/']) {
      const { status, text } = await guest.send('GET', path)
      assert.ok(status === 401 || status === 403, `${path} answered a tenant with ${status} ${text}`)
    }
    const added = await server.call(
      'POST',
      '/api/users/',
      new URLSearchParams({ name: 'ada', password: 'ada and her long password', role: 'user' }),
    )
    assert.equal(added.status, 201)
    const answer = await fetch(server.url + tcaPath('rulesets', {}), {
      headers: { authorization: `Basic ${btoa('ada:ada and her long password')}` },
    })
    assert.equal(answer.status, 401)
  })
})

/** What the live and the retro feed tell of. */
function bothFeeds(tenant: Tenant, start: number): Promise<string[][]> {
  return Promise.all((['live', 'retro'] as const).map(async (kind) => findingsOf(await tenant.feed(kind, start))))
}
