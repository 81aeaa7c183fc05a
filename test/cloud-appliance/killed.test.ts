import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../faults/killable-server.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { newMarks, startPair, takeAll } from './appliance-and-cloud.ts'

const ROUNDS = process.env.BACKTRAIL_LONG === '1' ? 8 : 3

test('kills of either side at random moments lose no match and double none, and end with every ruleset in the cloud', {
  timeout: 400_000,
}, async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`BACKTRAIL_SEED=${seed}`)
  const random = randomFrom(seed)
  const { rules, sample } = newMarks()
  const { cloud, appliance, tenant } = await startPair(t)
  const before = await takeAll(cloud, [sample('beta'), sample('beta'), sample('beta')])
  await appliance.demandInCloud('live_rules', rules.alpha)
  await appliance.demandInCloud('hunting_rules', rules.beta)
  const offered: string[] = []
  const names = ['live_rules', 'hunting_rules']
  const first = random.below(2)
  for (let round = 0; round < ROUNDS; round++) {
    const killsCloud = round % 2 === first
    const name = `round_${round}`
    names.push(name)
    // Whatever is cut off here may have happened or not; what counts is what both sides make of it.
    const work = Promise.allSettled([
      appliance.saveInCloud(name, rules.both),
      appliance.retroOperation('hunting_rules', 'START'),
      ...Array.from({ length: 4 }, async () => {
        const content = sample('alpha')
        const { json } = await cloud.upload(content, 'offered.txt')
        offered.push(json.detail.sha1)
      }),
    ])
    await pause(random.below(600))
    const victim = killsCloud ? cloud : appliance
    await victim.kill()
    await work
    await pause(random.below(300))
    await victim.start()
    if (!killsCloud) assert.equal((await appliance.call('GET', '/api/yara/v2/rulesets/')).status, 200)
    // A save that was cut off before it was acknowledged is sent again, as its user would.
    await until(
      async () => (await appliance.saveInCloud(name, rules.both)).status === 200,
      () => `${name} is saved`,
    )
  }
  await appliance.untilHunt('hunting_rules', 'COMPLETE').catch(async () => {
    // No round got as far as starting one.
    await appliance.demandRetro('hunting_rules', 'START')
    await appliance.untilHunt('hunting_rules', 'COMPLETE')
  })
  for (const name of names) await appliance.untilCloud(name, 'ACTIVE')
  assert.deepEqual(
    ((await tenant.demand(null, 'GET', '/api/yara/admin/v1/ruleset')) as { ruleset_name: string }[])
      .map(({ ruleset_name }) => ruleset_name)
      .sort(),
    [...names].sort(),
  )
  assert.ok(offered.length > 0, 'no sample was acknowledged')
  const found = () => appliance.cloudMatches('live_rules')
  await until(
    async () => {
      const matches = await found()
      return offered.every((sha1) => matches.includes(`Alpha ${sha1}`))
    },
    () => `every sample that the cloud acknowledged is matched: ${offered}`,
  )
  // Samples whose acknowledgement was cut off may be there too, each once.
  const matches = await found()
  assert.equal(new Set(matches).size, matches.length)
  await appliance.untilCloudMatches(
    'hunting_rules',
    before.map((sha1) => `Beta ${sha1}`),
  )
})
