import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, until } from '../faults/killable-server.ts'
import { newMarks, startPair, takeAll } from './appliance-and-cloud.ts'
import type { NetworkFault } from './fault-proxy.ts'

/** Every kind of bad line, what a user is told of an operation meanwhile, and the status it has. */
const faults: readonly (readonly [string, NetworkFault, number, RegExp])[] = [
  ['a cloud that refuses connections', { kind: 'refused' }, 424, /cannot be reached/],
  ['a cloud that takes too long', { kind: 'slow', ms: 3_000 }, 424, /did not answer within/],
  ['answers that are cut in the middle', { kind: 'cut' }, 424, /cannot be reached/],
  ['answers that are lost', { kind: 'lost' }, 424, /cannot be reached/],
  [
    'a cloud that is overloaded',
    { kind: 'status', status: 429, text: 'Slow down', headers: { 'retry-after': '1' } },
    503,
    /Slow down/,
  ],
  ['a cloud that fails', { kind: 'status', status: 500, text: 'Oops' }, 424, /Oops/],
  ['a cloud that does not know the password', { kind: 'status', status: 401, text: 'Who?' }, 424, /Who\?/],
  ['answers that are no JSON', { kind: 'garbage', text: '<html>Welcome to the hotel</html>' }, 424, /no JSON/],
  ['answers in another shape', { kind: 'garbage', text: '{"rl":[]}' }, 424, /makes no sense/],
]

test('an appliance lives with every kind of bad line, tells the truth meanwhile, and ends with exactly the right matches', {
  timeout: 400_000,
}, async (t) => {
  const { rules, sample } = newMarks()
  const { cloud, appliance, line, tenant } = await startPair(t, {
    flags: ['--cloud-wait', '4', '--cloud-timeout', '1'],
  })
  // A cloud that has just started on a busy machine may take longer than this appliance waits.
  assert.equal((await appliance.saveInCloud('steady_rules', rules.alpha)).status, 200)
  await appliance.untilCloud('steady_rules', 'ACTIVE')
  const expected: string[] = []
  const names = ['steady_rules']
  for (const [place, [what, fault, status, sentence]] of faults.entries()) {
    await t.test(what, async () => {
      const name = `weather_${place}`
      line.fault = fault
      const began = performance.now()
      const saved = await appliance.saveInCloud(name, rules.beta)
      assert.ok(performance.now() - began < 10_000, 'saving waited too long for the cloud')
      assert.equal(saved.status, 200, JSON.stringify(saved.json))
      assert.equal(saved.json.detail.cloud_synced, false)
      assert.match(saved.json.detail.note, /in the background/)
      names.push(name)

      // A ruleset that never reached the cloud cannot be hunted with; one that is there is told what went wrong.
      assert.equal((await appliance.retroOperation(name, 'START')).status, 412)
      const stop = await appliance.retroOperation('steady_rules', 'CLEAR')
      assert.equal(stop.status, status, JSON.stringify(stop.json))
      assert.match(stop.json.message, sentence)

      const [found = ''] = await takeAll(cloud, [sample('alpha')])
      expected.push(`Alpha ${found}`)
      let pending: Json
      await until(
        async () => {
          pending = await appliance.cloudRetro(name)
          return sentence.test(pending.reason ?? '') && (await appliance.metric('backtrail_cloud_reachable')) === 0
        },
        () => `the appliance notices: ${JSON.stringify(pending)}`,
      )
      assert.equal(pending.cloud_status, 'PENDING')
      assert.equal((await appliance.cloudRetro('steady_rules')).cloud_status, 'ACTIVE')
      assert.equal(await appliance.metric('backtrail_cloud_deliveries_waiting'), 1)

      line.fault = { kind: 'fair' }
      await appliance.untilCloud(name, 'ACTIVE')
      await appliance.untilCloudMatches('steady_rules', expected)
      assert.equal(await appliance.metric('backtrail_cloud_deliveries_waiting'), 0)
      assert.deepEqual(
        ((await tenant.demand(null, 'GET', '/api/yara/admin/v1/ruleset')) as Json[])
          .map((each) => each.ruleset_name)
          .sort(),
        [...names].sort(),
      )
    })
  }

  await t.test(
    'a start whose answer is lost is told as failed, and the state finds out that the hunt runs',
    async () => {
      await appliance.demandInCloud('lost_rules', rules.alpha)
      line.onlyFor = 'POST /api/yara/admin/v1/ruleset/start-retro-hunt'
      line.fault = { kind: 'lost' }
      const answer = await appliance.retroOperation('lost_rules', 'START')
      assert.equal(answer.status, 424, JSON.stringify(answer.json))
      await appliance.untilHunt('lost_rules', 'COMPLETE')
      assert.deepEqual(await appliance.cloudMatches('lost_rules'), expected.sort())
    },
  )

  const { json } = await appliance.call('GET', '/api/health/')
  const kinds = new Set(json.journal.map(({ kind }: Json) => kind))
  assert.ok(kinds.has('cloud-away') && kinds.has('cloud-back'), [...kinds].join())
  assert.ok(!JSON.stringify(appliance.logged).includes(tenant.password), 'the log holds the password')
})

test('matches are fetched whatever the cloud’s clock says, also when it is set back', {
  timeout: 180_000,
}, async (t) => {
  const { rules, sample } = newMarks()
  const { cloud, appliance, line } = await startPair(t)
  await appliance.demandInCloud('skewed_rules', rules.alpha)
  const expected: string[] = []
  for (const skew of [0, 3_600, 90_000, 0, -3_600]) {
    line.skew = skew
    const hunted = `skew_${skew + 90_000}_${expected.length}`
    const [found = ''] = await takeAll(cloud, [sample('alpha')])
    expected.push(`Alpha ${found}`)
    await appliance.untilCloudMatches('skewed_rules', expected)
    await appliance.demandInCloud(hunted, rules.alpha)
    await appliance.demandRetro(hunted, 'START')
    await appliance.untilHunt(hunted, 'COMPLETE')
    assert.deepEqual(await appliance.cloudMatches(hunted), [...expected].sort(), `with a skew of ${skew} s`)
  }
})
