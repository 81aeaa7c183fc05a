/** A manager and three appliances whose lines, processes and clocks fail; all in one test, which starts them once. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NetworkFault } from '../cloud-appliance/fault-proxy.ts'
import { change } from '../faults/data-folder.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { type Appliances, rule, type SharingAppliance, startAppliances } from './appliances.ts'

const DAY = 24 * 60 * 60 * 1_000_000
const isLong = process.env.BACKTRAIL_LONG === '1'
const ROUNDS_OF_KILLS = isLong ? 2 : 1
const PUBLICATIONS = isLong ? 30 : 18

test('appliances have the same rules in the end, and no text is lost', { timeout: 900_000 }, async (t) => {
  const cluster = await startAppliances(t)
  await t.test('whatever the lines do, what was published is everywhere once, and nothing is lost', (lines) =>
    throughBadLines(lines, cluster),
  )
  await t.test('people who publish at random through bad lines lose no text', (random) => atRandom(random, cluster))
  await t.test('kills of the manager and of appliances in the middle of publishing lose nothing', () => killed(cluster))
  await t.test(
    'an appliance that was away for longer than deletions are kept takes a snapshot, and sends nothing by itself',
    () => longAway(cluster),
  )
  await cluster.manager.stop()
  for (const each of cluster.appliances) await each.stop()
})

async function throughBadLines(t: TestContext, cluster: Appliances): Promise<void> {
  const [one, two, three] = cluster.appliances
  const bad: readonly NetworkFault[] = [
    { kind: 'refused' },
    { kind: 'lost' },
    { kind: 'cut' },
    { kind: 'slow', ms: 7_000 },
    { kind: 'status', status: 502, text: '<html>Bad gateway</html>' },
    { kind: 'garbage', text: '{"payload": "' },
  ]
  for (const [at, fault] of bad.entries()) {
    await t.test(`a line that is ${fault.kind}`, async () => {
      const name = `through_${at}`
      one.line.fault = fault
      two.line.fault = fault
      const published = await one.demandPublished(name, rule(`text ${at}`))
      assert.ok(['waiting', 'published'].includes(published.state), JSON.stringify(published))
      await three.demandPublished(`${name}_of_three`, rule(`three ${at}`))
      one.line.fault = { kind: 'fair' }
      two.line.fault = { kind: 'fair' }
      const rules = await cluster.untilSame(120_000)
      assert.equal(rules[name], `+${rule(`text ${at}`)}`)
      assert.equal(rules[`${name}_of_three`], `+${rule(`three ${at}`)}`)
      const { json } = await cluster.manager.call('GET', '/api/appliances/rulesets/')
      const { version } = json.results.find((each: { name: string }) => each.name === name)
      assert.equal(version, 1, 'it was published once')
    })
  }
}

async function killed(cluster: Appliances): Promise<void> {
  const [one, two] = cluster.appliances
  for (let at = 0; at < ROUNDS_OF_KILLS; at++) {
    const name = `killed_${at}`
    await cluster.manager.kill()
    assert.equal((await one.demandPublished(name, rule(`a ${at}`))).state, 'waiting')
    await one.kill()
    await cluster.manager.start()
    await one.start()
    assert.equal((await cluster.untilSame(120_000))[name], `+${rule(`a ${at}`)}`)
    // The answer is lost together with the appliance: the same change comes again.
    two.line.onlyFor = 'POST /api/manager/v1/publish/'
    two.line.fault = { kind: 'lost' }
    await two.demandPublished(name, rule(`b ${at}`))
    await two.kill()
    two.line.onlyFor = ''
    two.line.fault = { kind: 'fair' }
    await two.start()
    assert.equal((await cluster.untilSame(120_000))[name], `+${rule(`b ${at}`)}`)
  }
}

async function longAway(cluster: Appliances): Promise<void> {
  const [one, two, three] = cluster.appliances
  for (const name of ['kept', 'gone', 'edited']) await one.demandPublished(name, rule(name))
  await cluster.untilSame()
  two.line.fault = { kind: 'refused' }
  await two.demandRuleset('edited', rule('here'))
  assert.equal((await two.demandPublished('late', rule('late'))).state, 'waiting')
  await one.remove('gone')
  await one.remove('edited')
  await one.demandPublished('kept', rule('kept anew'))
  await three.untilRules({ kept: `+${rule('kept anew')}`, gone: null, edited: null })
  await cluster.manager.stop()
  // As if all of it had happened that much earlier.
  change(cluster.manager.data, `UPDATE shared_log SET time = time - ${100 * DAY}`)
  await cluster.manager.start()
  await one.demandPublished('fresh', rule('fresh'))
  two.line.fault = { kind: 'fair' }
  await two.untilRules({
    gone: null,
    kept: `+${rule('kept anew')}`,
    edited: `+${rule('here')}`,
    fresh: `+${rule('fresh')}`,
    late: `+${rule('late')}`,
  })
  assert.equal((await two.shared('edited')).state, 'OutOfSync')
  const deleted = { gone: null, edited: null, late: null }
  await one.untilRules({ kept: `+${rule('kept anew')}`, fresh: `+${rule('fresh')}`, ...deleted })
}

async function atRandom(t: TestContext, cluster: Appliances): Promise<void> {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const published = new Map<string, Set<string>>()
  const faults: readonly NetworkFault[] = [
    { kind: 'fair' },
    { kind: 'fair' },
    { kind: 'refused' },
    { kind: 'lost' },
    { kind: 'cut' },
  ]
  for (let at = 0; at < PUBLICATIONS; at++) {
    const each = cluster.appliances[random.below(3)] as SharingAppliance
    each.line.fault = faults[random.below(faults.length)] ?? { kind: 'fair' }
    const name = `set_${random.below(3)}`
    const text = rule(`text ${at}`)
    published.set(name, (published.get(name) ?? new Set()).add(text))
    await each.demandPublished(name, text)
  }
  for (const each of cluster.appliances) each.line.fault = { kind: 'fair' }
  // What is out of sync is decided by people, one after the other.
  for (const each of cluster.appliances) {
    for (const name of published.keys()) {
      const shared = await each.shared(name)
      if (shared.state === 'OutOfSync') await each.resolve(name, 'shared', shared.sequence)
    }
  }
  await decideUntilSame(cluster)
  for (const [name, texts] of published) {
    const kept = new Set((await Promise.all(cluster.appliances.map((each) => each.texts(name)))).flat())
    for (const text of texts) assert.ok(kept.has(text), `${name} has lost ${text}`)
  }
}

/** As people do who look again and again at what is out of sync. */
async function decideUntilSame(cluster: Appliances): Promise<void> {
  for (let round = 0; ; round++) {
    for (const each of cluster.appliances) {
      const { json } = await each.call('GET', '/api/shared-rulesets/')
      for (const { name, state, sequence } of json.results) {
        if (state === 'OutOfSync') await each.resolve(name, 'shared', sequence)
      }
    }
    const done = await cluster.untilSame(10_000).catch((error) => error as Error)
    if (!(done instanceof Error)) return
    assert.ok(round < 12, done.message)
  }
}
