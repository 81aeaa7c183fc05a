import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, until } from '../faults/killable-server.ts'
import { newMarks, startPair, takeAll } from './appliance-and-cloud.ts'

test('rulesets and their matches go to and fro between an appliance and its cloud', { timeout: 240_000 }, async (t) => {
  const { cloud, appliance, line, tenant } = await startPair(t)
  await t.test(
    'live matches of the cloud arrive beside the local ones, and one sample that is in both places has two rows',
    async () => {
      const { rules, sample } = newMarks()
      await appliance.demandInCloud('live_rules', rules.both)
      const everywhere = sample('alpha')
      const [far = '', near = ''] = await takeAll(cloud, [sample('alpha', 'beta'), everywhere])
      await takeAll(cloud, [sample('gamma')])
      await takeAll(appliance, [everywhere])
      await appliance.untilCloudMatches('live_rules', [`Alpha ${far}`, `Beta ${far}`, `Alpha ${near}`])

      const rows = await appliance.matchRows('live_rules')
      assert.equal(rows.length, 4)
      const inCloudOnly = rows.find(({ sha1 }: Json) => sha1 === far)
      assert.deepEqual(
        [inCloudOnly.sha256, inCloudOnly.extracted_file_count, inCloudOnly.downloadable, inCloudOnly.filename],
        [null, null, false, far],
      )
      const both = rows.filter(({ sha1 }: Json) => sha1 === near)
      assert.deepEqual(both.map(({ cloud }: Json) => cloud).sort(), [false, true])
      assert.ok(both.every(({ sha256, downloadable }: Json) => sha256 !== null && downloadable))
      assert.equal((await appliance.call('GET', `/api/samples/${far}/download/`)).status, 410)
      const search = await appliance.call('GET', `/api/samples/?q=${far}`)
      assert.deepEqual(
        search.json.results.map(({ sha1, sha256, downloadable }: Json) => [sha1, sha256, downloadable]),
        [[far, null, false]],
      )
      assert.equal((await appliance.call('GET', '/api/overview/')).json.samples, 1)

      const { json } = await appliance.call('GET', '/api/yara/v2/rulesets/?source=cloud')
      assert.deepEqual(
        json.results.map(({ name, status, cloud_synced }: Json) => [name, status, cloud_synced]),
        [['live_rules', 'active', true]],
      )
      assert.equal((await appliance.call('GET', '/api/yara/v2/rulesets/?source=local')).json.count, 0)
      // The feeds are read many times meanwhile; nothing doubles.
      const before = line.count('GET /api/feed/yara/v1')
      await until(
        () => line.count('GET /api/feed/yara/v1') > before + 2,
        () => 'the feed is read some more',
      )
      assert.equal((await appliance.matchRows('live_rules')).length, 4)
      assert.equal(line.count('POST /api/spex/'), 0, 'a sample left the appliance')
      assert.equal(await appliance.metric('backtrail_cloud_reachable'), 1)
      assert.equal(await appliance.metric('backtrail_cloud_deliveries_waiting'), 0)
    },
  )

  await t.test(
    'a hunt that is started straight after saving finds what the cloud had before, and its results can be cleared for good',
    async () => {
      const { rules, sample } = newMarks()
      const [one = '', two = ''] = await takeAll(cloud, [sample('alpha'), sample('alpha'), sample('beta')])
      const began = new Date().toISOString().slice(0, 19).replace('T', ' ')
      await appliance.demandInCloud('hunting_rules', rules.alpha)
      const started = await appliance.demandRetro('hunting_rules', 'START')
      assert.equal(started.state, 'RUNNING')
      const complete = await appliance.untilHunt('hunting_rules', 'COMPLETE')
      // Whoever sees COMPLETE sees all matches.
      assert.deepEqual(await appliance.cloudMatches('hunting_rules'), [`Alpha ${one}`, `Alpha ${two}`].sort())
      assert.match(complete.retrohunt_start_time, /^\d{4}-.*\+00:00$/)
      assert.ok(complete.retrohunt_finish_time >= complete.retrohunt_start_time)
      assert.deepEqual([complete.cloud_status, complete.scale_status, complete.reason], ['ACTIVE', 'ACTIVE', null])

      const [live = ''] = await takeAll(cloud, [sample('alpha')])
      await appliance.untilCloudMatches('hunting_rules', [`Alpha ${one}`, `Alpha ${two}`, `Alpha ${live}`])
      const cleared = await appliance.demandRetro('hunting_rules', 'CLEAR')
      assert.deepEqual([cleared.state, cleared.retrohunt_status], ['CLEARED', 'CLEARED'])
      assert.equal(cleared.retrohunt_start_time, complete.retrohunt_start_time)
      assert.deepEqual(await appliance.cloudMatches('hunting_rules'), [`Alpha ${live}`])

      // Fetching everything again brings back what the live feed told, and not what was cleared.
      const moved = await appliance.moveTime(began)
      assert.deepEqual(moved.json.detail, { time: `${began}+00:00` })
      await takeAll(cloud, [sample('beta')])
      const [later = ''] = await takeAll(cloud, [sample('alpha')])
      await appliance.untilCloudMatches('hunting_rules', [`Alpha ${live}`, `Alpha ${later}`])

      await appliance.demandRetro('hunting_rules', 'START')
      await appliance.untilHunt('hunting_rules', 'COMPLETE')
      await appliance.untilCloudMatches('hunting_rules', [
        `Alpha ${one}`,
        `Alpha ${two}`,
        `Alpha ${live}`,
        `Alpha ${later}`,
      ])
    },
  )

  await t.test('moving the time back fetches again what was missed, and doubles nothing', async () => {
    const { rules, sample } = newMarks()
    const now = () => Math.floor(Date.now() / 1000)
    const start = now() - 1
    await appliance.demandInCloud('timed_rules', rules.alpha)
    const [early = ''] = await takeAll(cloud, [sample('alpha')])
    await appliance.untilCloudMatches('timed_rules', [`Alpha ${early}`])
    const { json } = await appliance.call('GET', '/api/yara/ticloud/time/')
    assert.match(json.message, /^TiCloud matches are syncing from \d{4}-\d\d-\d\dT.*\.\d{6}Z$/)
    assert.equal(json.message.slice(-json.detail.time.length), json.detail.time)

    // Forward: what comes until then is not fetched.
    assert.equal((await appliance.moveTime(String(now() + 3_600))).status, 200)
    const [missed = ''] = await takeAll(cloud, [sample('alpha')])
    const later = now() + 1
    const reads = line.count('GET /api/feed/yara/v1')
    await until(
      () => now() > later && line.count('GET /api/feed/yara/v1') > reads + 1,
      () => 'the feed is read past the missed sample',
    )
    assert.deepEqual(await appliance.cloudMatches('timed_rules'), [`Alpha ${early}`])
    assert.equal((await appliance.moveTime(String(later))).status, 200)
    const [after = ''] = await takeAll(cloud, [sample('alpha')])
    await appliance.untilCloudMatches('timed_rules', [`Alpha ${early}`, `Alpha ${after}`])
    assert.equal((await appliance.moveTime(String(start))).json.code, 200)
    await appliance.untilCloudMatches('timed_rules', [`Alpha ${early}`, `Alpha ${after}`, `Alpha ${missed}`])
    for (const malformed of ['', 'yesterday', '2026-13-01 00:00', '-5']) {
      assert.equal((await appliance.moveTime(malformed)).status, 404, malformed)
    }
  })

  await t.test(
    'disabling, deleting and saving without ticloud take the ruleset out of the cloud, and enabling brings it back',
    async () => {
      const { rules, sample } = newMarks()
      const inCloud = async () =>
        ((await tenant.demand(null, 'GET', '/api/yara/admin/v1/ruleset')) as Json[])
          .map((each) => each.ruleset_name)
          .filter((name) => /^(first|second)_rules$/.test(name))
          .sort()
      const becomes = (names: readonly string[]) =>
        until(
          async () => JSON.stringify(await inCloud()) === JSON.stringify(names),
          () => `the cloud has ${names}`,
        )
      await appliance.demandInCloud('first_rules', rules.alpha)
      await appliance.demandInCloud('second_rules', rules.beta)
      assert.deepEqual(await inCloud(), ['first_rules', 'second_rules'])
      const [found = ''] = await takeAll(cloud, [sample('alpha')])

      await appliance.call('POST', '/api/yara/ruleset/disable/', new URLSearchParams({ name: 'first_rules' }))
      await becomes(['second_rules'])
      assert.equal((await appliance.cloudRetro('first_rules')).cloud_status, 'DISABLED')
      // The cloud forgot the match with the ruleset; it was fetched before.
      assert.deepEqual(await appliance.cloudMatches('first_rules'), [`Alpha ${found}`])
      await appliance.call('POST', '/api/yara/ruleset/enable/', new URLSearchParams({ name: 'first_rules' }))
      await becomes(['first_rules', 'second_rules'])
      assert.equal((await appliance.untilCloud('first_rules', 'ACTIVE')).reason, null)

      await appliance.demandRuleset('second_rules', rules.beta)
      await becomes(['first_rules'])
      assert.equal((await appliance.cloudRetro('second_rules')).cloud_status, 'DELETED')
      const { status, json } = await appliance.retroOperation('second_rules', 'START')
      assert.equal(status, 412, JSON.stringify(json))
      await appliance.removeRuleset('first_rules')
      await becomes([])
    },
  )

  await t.test('a changed text replaces the one in the cloud; matches of rules that are the same stay', async () => {
    const { rules, sample } = newMarks()
    await appliance.demandInCloud('changing_rules', rules.both)
    const [one = ''] = await takeAll(cloud, [sample('alpha', 'beta')])
    // Not waiting for the feed: the change has to read it before the cloud forgets.
    const changed = rules.both.replace('beta', 'gamma')
    await appliance.demandInCloud('changing_rules', changed)
    assert.deepEqual(await appliance.cloudMatches('changing_rules'), [`Alpha ${one}`])
    assert.equal((await tenant.demand(null, 'GET', '/api/yara/admin/v1/ruleset/changing_rules/text')).text, changed)
    const [two = ''] = await takeAll(cloud, [sample('gamma')])
    await appliance.untilCloudMatches('changing_rules', [`Alpha ${one}`, `Beta ${two}`])
  })

  await t.test('rulesets that no cloud takes stay on the appliance, and say why', async () => {
    const { rules } = newMarks()
    const many = Array.from({ length: 301 }, (_, number) => `rule R${number} { condition: filesize == ${number} }`)
    const large = `${rules.alpha}\n/*${'x'.repeat(1024 * 1024)}*/`
    const before = line.count('POST /api/yara/admin/v1/ruleset')
    for (const [name, text, sentence] of [
      ['many_rules', many.join('\n'), /301 rules, and a cloud takes at most 300/],
      ['large_rules', large, /bytes, and a cloud takes at most 1,048,576/],
    ] as const) {
      const { status, json } = await appliance.saveInCloud(name, text)
      assert.equal(status, 200, JSON.stringify(json).slice(0, 500))
      assert.equal(json.detail.cloud_synced, false)
      assert.match(json.detail.note, sentence)
      const cloudStatus = await appliance.cloudRetro(name)
      assert.equal(cloudStatus.cloud_status, 'ERROR')
      assert.equal(cloudStatus.scale_status, 'ACTIVE')
      assert.match(cloudStatus.reason, sentence)
      assert.equal((await appliance.retroOperation(name, 'START')).status, 412)
    }
    assert.equal(line.count('POST /api/yara/admin/v1/ruleset'), before)
  })

  await t.test('the operations of Cloud Retro refuse what their tables say', async () => {
    const { rules } = newMarks()
    await appliance.demandInCloud('refusing_rules', rules.alpha)
    await appliance.demandRuleset('local_rules', rules.alpha)
    const refused = async (name: string, operation: string, status: number, sentence: RegExp) => {
      const answer = await appliance.retroOperation(name, operation)
      assert.equal(answer.status, status, `${operation} ${name} ${JSON.stringify(answer.json)}`)
      assert.equal(answer.json.success, false)
      assert.match(answer.json.message, sentence)
      return answer.json
    }
    await refused('no_rules', 'START', 404, /not found/)
    await refused('refusing_rules', 'PAUSE', 400, /operation/)
    await refused('refusing_rules', 'start', 400, /operation/)
    await refused('local_rules', 'START', 412, /not saved to Spectra Intelligence/)
    await refused('local_rules', 'CLEAR', 412, /not saved to Spectra Intelligence/)
    assert.deepEqual((await refused('refusing_rules', 'STOP', 412, /No Cloud Retro hunt runs/)).status, {
      state: 'READY',
    })
    await appliance.call('POST', '/api/yara/ruleset/disable/', new URLSearchParams({ name: 'refusing_rules' }))
    await refused('refusing_rules', 'START', 412, /disabled/)
    assert.equal((await appliance.cloudRetro('local_rules')).cloud_status, 'DISABLED')
  })
})
