import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rule } from '../rulesets/installation.fixture.ts'
import { type Fault, MadeAppliance, MadeManager } from './appliances.fixture.ts'
import { ownStateOf } from './own-state.ts'
import { syncStateOf } from './sync-state.ts'

const DAY = 24 * 60 * 60 * 1_000_000

async function appliances(how: { readonly lastWins?: boolean } = {}) {
  const manager = await MadeManager.open()
  const [one, two, three] = [
    await MadeAppliance.join(manager, 'one', how),
    await MadeAppliance.join(manager, 'two', how),
    await MadeAppliance.join(manager, 'three', how),
  ]
  return {
    manager,
    one,
    two,
    three,
    all: [one, two, three],
    async settle() {
      for (let round = 0; round < 4; round++) for (const each of [one, two, three]) await each.step()
    },
    async states() {
      return (await manager.manager.list()).map(({ name, state }) => `${name} ${state}`)
    },
    async close() {
      await manager.manager.stop()
      for (const { installation } of [one, two, three, manager]) await installation.close()
    },
  }
}

async function stateOf(appliance: MadeAppliance, name: string): Promise<string> {
  const { store } = appliance.installation
  const shared = await store.sharedRulesets.findBesideOwn(name)
  return shared ? syncStateOf(shared, await ownStateOf(store, shared)) : 'none'
}

test('what one appliance publishes is the same on all: a text, a new one, a switch and a deletion', async () => {
  const here = await appliances()
  assert.deepEqual(await here.states(), ['one PendingNew', 'three PendingNew', 'two PendingNew'])
  await here.settle()
  assert.deepEqual(await here.states(), ['one NoRules', 'three NoRules', 'two NoRules'])
  await here.one.publish('shared', rule('A'))
  await here.one.publish('gone', rule('G'))
  await here.one.rulesets.save(here.one.installation.admin, { name: 'own_of_one', content: rule('O') })
  await here.settle()
  for (const each of [here.two, here.three])
    assert.deepEqual(await each.rules(), { shared: `+${rule('A')}`, gone: `+${rule('G')}` })
  await here.two.publish('shared', rule('A', 'other'))
  await here.settle()
  const { admin } = here.three.installation
  await here.three.rulesets.setEnabled(admin, 'shared', false, { publishAs: 'admin' })
  await here.three.rulesets.remove(admin, 'gone', { publishAs: 'admin' })
  await here.settle()
  for (const each of [here.two, here.three]) assert.deepEqual(await each.rules(), { shared: `-${rule('A', 'other')}` })
  assert.equal((await here.one.rules()).own_of_one, `+${rule('O')}`)
  assert.deepEqual(await here.states(), ['one InSync', 'three InSync', 'two InSync'])
  await here.close()
})

test('of two edits at once the first is taken, and the other stays as a text of its own until somebody decides', async () => {
  const here = await appliances()
  await here.one.publish('shared', rule('A'))
  await here.settle()
  await here.one.publish('shared', rule('A', 'of one'))
  await here.two.publish('shared', rule('A', 'of two'))
  await here.one.step()
  await here.two.sendAll()
  const refused = await here.two.installation.store.sharedRulesets.find('shared')
  assert.equal(refused?.sequence, 2, 'the refusal brings what is newer')
  await here.settle()
  assert.equal((await here.three.rules()).shared, `+${rule('A', 'of one')}`)
  assert.equal((await here.two.rules()).shared, `+${rule('A', 'of two')}`)
  assert.equal(await stateOf(here.two, 'shared'), 'OutOfSync')
  assert.deepEqual(await here.states(), ['one InSync', 'three InSync', 'two OutOfSync'])
  const shared = await here.two.installation.store.sharedRulesets.find('shared')
  await here.two.receiver.takeShared('shared', shared?.sequence ?? 0)
  await here.settle()
  assert.deepEqual(await here.states(), ['one InSync', 'three InSync', 'two InSync'])
  assert.ok((await here.two.texts('shared')).includes(rule('A', 'of two')), 'its own text is a revision')
  await here.close()
})

test('with last-wins the last text that is published is everywhere, and the other one is a revision', async () => {
  const here = await appliances({ lastWins: true })
  await here.one.publish('shared', rule('A'))
  await here.settle()
  await here.one.publish('shared', rule('A', 'of one'))
  await here.two.publish('shared', rule('A', 'of two'))
  await here.one.step()
  await here.settle()
  for (const each of here.all) assert.equal((await each.rules()).shared, `+${rule('A', 'of two')}`)
  assert.ok((await here.one.texts('shared')).includes(rule('A', 'of one')))
  await here.close()
})

test('a deletion takes no text along that was changed here', async () => {
  for (const lastWins of [false, true]) {
    const here = await appliances({ lastWins })
    await here.one.publish('shared', rule('A'))
    await here.settle()
    await here.two.rulesets.save(here.two.installation.admin, { name: 'shared', content: rule('A', 'edited') })
    await here.one.rulesets.remove(here.one.installation.admin, 'shared', { publishAs: 'admin' })
    await here.settle()
    assert.deepEqual(await here.three.rules(), {})
    assert.deepEqual(await here.two.rules(), { shared: `+${rule('A', 'edited')}` })
    assert.equal(await stateOf(here.two, 'shared'), 'OutOfSync')
    await here.close()
  }
})

test('a ruleset that was here before one of its name is shared stays, and the same one is in sync', async () => {
  const here = await appliances()
  for (const [appliance, content] of [
    [here.two, rule('Mine')],
    [here.three, rule('A')],
  ] as const)
    await appliance.rulesets.save(appliance.installation.admin, { name: 'shared', content })
  await here.one.publish('shared', rule('A'))
  await here.settle()
  assert.equal((await here.two.rules()).shared, `+${rule('Mine')}`)
  assert.equal(await stateOf(here.two, 'shared'), 'OutOfSync')
  assert.equal(await stateOf(here.three, 'shared'), 'InSync')
  await here.close()
})

test('a rule source changes for all what was as all have it, and nothing else', async () => {
  const here = await appliances()
  const { admin, ada } = here.one.installation
  const { rulesets } = here.one
  const bySource = async (name: string, content: string) => {
    await rulesets.save(admin, { name, content, byItself: 'source' })
    await here.settle()
  }
  await bySource('shared', rule('A'))
  assert.deepEqual(await here.two.rules(), {}, 'what nobody shared stays here')
  await rulesets.save(admin, { name: 'shared', content: rule('A'), publishAs: 'admin' })
  await bySource('shared', rule('A', 'second'))
  assert.deepEqual(await here.two.rules(), { shared: `+${rule('A', 'second')}` })
  assert.equal(await stateOf(here.one, 'shared'), 'InSync')

  // Disabled here alone: neither that nor what the source brings is for the others.
  await rulesets.setEnabled(admin, 'shared', false)
  await bySource('shared', rule('A', 'third'))
  assert.deepEqual(await here.two.rules(), { shared: `+${rule('A', 'second')}` })
  assert.equal(await stateOf(here.one, 'shared'), 'OutOfSync')
  await rulesets.setEnabled(admin, 'shared', true, { publishAs: 'admin' })
  await here.settle()
  await rulesets.setEnabled(admin, 'shared', false, { byItself: 'source' })
  await here.settle()
  assert.deepEqual(await here.two.rules(), { shared: `-${rule('A', 'third')}` })

  // A ruleset whose owner may not publish.
  await rulesets.save(ada, { name: 'adas', content: rule('B') })
  await rulesets.save(admin, { name: 'adas', content: rule('B', 'second'), publishAs: 'admin' })
  await here.settle()
  await rulesets.save(ada, { name: 'adas', content: rule('B', 'third'), byItself: 'source' })
  await here.settle()
  assert.equal((await here.two.rules()).adas, `+${rule('B', 'second')}`)
  const told = await here.one.installation.store.journal.latestMessage('source-not-published')
  assert.match(told ?? '', /^adas follows its rule source on this appliance alone: its owner may not publish/)

  await rulesets.save(admin, { name: 'shared', content: rule('A', 'fifth'), publishAs: 'admin' })
  await here.settle()
  await rulesets.remove(admin, 'shared', { byItself: 'source' })
  await here.settle()
  assert.deepEqual(await here.two.rules(), { adas: `+${rule('B', 'second')}` })
  await here.close()
})

test('a text that does not run on one appliance is invalid there alone, and the manager hears of it', async () => {
  const here = await appliances()
  here.two.cannotRun = (content) => content.includes('new_module')
  await here.one.publish('modern', rule('M', 'new_module'))
  await here.settle()
  for (const each of here.all) assert.equal((await each.rules()).modern, `+${rule('M', 'new_module')}`, each.name)
  const states = await Promise.all(here.all.map(async ({ rulesets }) => (await rulesets.get('modern')).status))
  assert.deepEqual(states, ['active', 'invalid', 'active'])
  const invalid = (await here.manager.manager.list()).map(({ name, state, report }) => [
    `${name} ${state}`,
    report?.invalid.map((one) => one.name),
  ])
  assert.deepEqual(invalid, [
    ['one InSync', []],
    ['three InSync', []],
    ['two InSync', ['modern']],
  ])
  // Nobody gets it from there in another way.
  await here.two.rulesets.setEnabled(here.two.installation.admin, 'modern', false, { publishAs: 'admin' })
  await here.settle()
  assert.equal((await here.one.rules()).modern, `+${rule('M', 'new_module')}`)
  await here.close()
})

test('a core ruleset gives way to no shared one of its name, and the appliance says what is wrong', async () => {
  const here = await appliances()
  await here.two.rulesets.importCore(here.two.installation.admin, { name: 'shared', content: rule('Core') })
  await here.one.publish('shared', rule('A'))
  await here.settle()
  assert.equal(await here.two.rulesets.content('shared'), rule('Core'))
  assert.equal(await stateOf(here.two, 'shared'), 'OutOfSync')
  await here.two.receiver.takeShared('shared', 1).catch((error) => assert.equal(error.code, 'ruleset.core'))
  assert.equal(await here.two.rulesets.content('shared'), rule('Core'))
  await here.close()
})

test('an appliance that knows its manager by a key takes nothing from one with another key', async () => {
  const here = await appliances()
  await here.one.publish('shared', rule('A'))
  await here.settle()
  const { store } = here.two.installation
  const known = (await store.settings.find('publishing.manager-key')) ?? ''
  // As if the manager had been another one when it was first met.
  await store.settings.set('publishing.manager-key', `${known.slice(0, -4)}AAA=`)
  await here.one.publish('shared', rule('A', 'newer'))
  await here.one.step()
  const follower = here.two.restarted()
  await assert.rejects(follower.follow(0, null, new AbortController().signal), { code: 'manager.untrusted' })
  assert.equal((await here.two.rules()).shared, `+${rule('A')}`)
  await here.close()
})

test('an appliance that was away for longer than deletions are kept takes a snapshot, and sends nothing by itself', async () => {
  const here = await appliances()
  await here.one.publish('kept', rule('K'))
  await here.one.publish('gone', rule('G'))
  await here.one.publish('edited', rule('E'))
  await here.settle()
  await here.two.publish('late', rule('L'))
  await here.two.rulesets.save(here.two.installation.admin, { name: 'edited', content: rule('E', 'here') })
  const { admin } = here.one.installation
  for (const name of ['gone', 'edited']) await here.one.rulesets.remove(admin, name, { publishAs: 'admin' })
  await here.one.publish('kept', rule('K', 'new'))
  await here.one.step()
  here.manager.ahead += 100 * DAY
  await here.one.publish('fresh', rule('F'))
  await here.one.step()
  await here.manager.manager.prune()
  await here.settle()
  const rules = await here.two.rules()
  assert.deepEqual(rules, {
    kept: `+${rule('K', 'new')}`,
    edited: `+${rule('E', 'here')}`,
    fresh: `+${rule('F')}`,
    late: `+${rule('L')}`,
  })
  assert.deepEqual(await here.one.rules(), { kept: `+${rule('K', 'new')}`, fresh: `+${rule('F')}` })
  assert.equal(await stateOf(here.two, 'edited'), 'OutOfSync')
  await here.close()
})

test('a manager that was restored from a backup takes nothing away', async () => {
  const here = await appliances()
  await here.one.publish('shared', rule('A'))
  await here.settle()
  const { database } = here.manager.installation
  await here.one.publish('shared', rule('A', 'newer'))
  await here.one.publish('later', rule('B'))
  await here.settle()
  await database.deleteFrom('shared_log').where('sequence', '>', 1).execute()
  await database.updateTable('settings').set({ value: '1' }).where('key', '=', 'manager.sequence').execute()
  await here.settle()
  for (const each of here.all) {
    assert.deepEqual(await each.rules(), { shared: `+${rule('A', 'newer')}`, later: `+${rule('B')}` }, each.name)
    assert.equal(await stateOf(each, 'shared'), 'OutOfSync')
  }
  await here.close()
})

test('after a manager was restored, a sequence that came again replaces nothing that was not seen', async () => {
  const here = await appliances()
  await here.one.publish('shared', rule('A'))
  await here.settle()
  await here.two.publish('shared', rule('A', 'of a past that is gone'))
  await here.settle()
  const { database } = here.manager.installation
  await database.deleteFrom('shared_log').where('sequence', '>', 1).execute()
  await database.updateTable('settings').set({ value: '1' }).where('key', '=', 'manager.sequence').execute()
  await here.one.step()
  await here.one.receiver.takeShared('shared', 1)
  await here.one.publish('shared', rule('A', 'of one'))
  await here.one.step()
  await here.two.publish('shared', rule('A', 'of two'))
  await here.two.sendAll()
  const [newest] = await here.manager.manager.shared()
  assert.deepEqual([newest?.sequence, newest?.appliance], [2, 'one'])
  await here.settle()
  assert.equal((await here.two.rules()).shared, `+${rule('A', 'of two')}`)
  assert.equal(await stateOf(here.two, 'shared'), 'OutOfSync')
  assert.equal((await here.three.rules()).shared, `+${rule('A', 'of a past that is gone')}`)
  assert.equal(await stateOf(here.three, 'shared'), 'OutOfSync')
  await here.close()
})

test('what was published before the clock was set back is sent', async () => {
  const here = await appliances()
  await here.one.step()
  await here.one.publish('shared', rule('A'))
  const { publications } = here.one.installation.store
  const [id, later] = [(await publications.first('shared'))?.id ?? 0, (Date.now() + 3_600_000) * 1_000]
  await publications.postpone(id, { due: later, problem: 'made when it was later' })
  assert.equal(await here.one.sender.sendDue(), 0)
  assert.equal(await here.one.sender.sendDue(), Number.POSITIVE_INFINITY)
  assert.equal((await here.manager.manager.shared()).length, 1)
  await here.close()
})

test('a text that was taken while a newer one arrived is no edit of this appliance', async () => {
  const here = await appliances()
  await here.one.publish('shared', rule('A'))
  await here.settle()
  await here.one.publish('shared', rule('A', 'second'))
  await here.one.step()
  await here.one.publish('shared', rule('A', 'third'))
  await here.one.step()
  const { store, admin } = here.two.installation
  const third = await here.one.installation.store.sharedRulesets.find('shared')
  const row = await store.sharedRulesets.find('shared')
  assert.ok(row && third)
  await store.sharedTexts.add(third.digest ?? '', Buffer.from(rule('A', 'third')))
  await store.sharedRulesets.put({ ...third, taken: row.taken, takenState: row.takenState })
  await here.two.rulesets.save(admin, { name: 'shared', content: rule('A', 'second'), takes: 2 })
  await here.settle()
  assert.equal((await here.two.rules()).shared, `+${rule('A', 'third')}`)
  assert.equal(await stateOf(here.two, 'shared'), 'InSync')
  await here.close()
})

test('whatever the line does, all appliances have the same rules in the end, and no text that was published is lost', {
  timeout: 600_000,
}, async () => {
  const seed = Number(process.env.BACKTRAIL_SEED ?? Date.now() % 1_000_000)
  console.log(`seed ${seed}`)
  let state = seed || 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const here = await appliances()
  const published = new Map<string, Set<string>>()
  const faults: readonly Fault[] = ['none', 'none', 'refused', 'lost']
  for (const each of here.all) each.fault = () => faults[random(faults.length)] ?? 'none'
  for (let at = 0; at < 60; at++) {
    const each = here.all[random(3)] as MadeAppliance
    const name = `set_${random(3)}`
    const { admin } = each.installation
    const has = name in (await each.rules())
    const action = random(6)
    if (action < 3) {
      const content = rule('A', `text ${at}`)
      published.set(name, (published.get(name) ?? new Set()).add(content))
      await each.publish(name, content)
    } else if (has && action === 3) await each.rulesets.setEnabled(admin, name, random(2) === 0, { publishAs: 'admin' })
    else await each.step()
  }
  for (const each of here.all) each.fault = () => 'none'
  await here.settle()
  // What is out of sync is decided by people: the first appliance's word, one after the other.
  for (let round = 0; round < 6; round++) {
    for (const each of here.all) {
      for (const shared of await each.installation.store.sharedRulesets.list()) {
        if ((await stateOf(each, shared.name)) !== 'InSync')
          await each.receiver.takeShared(shared.name, shared.sequence)
      }
    }
    await here.settle()
  }
  const [first, ...others] = await Promise.all(here.all.map((each) => each.rules()))
  for (const other of others) assert.deepEqual(other, first)
  assert.deepEqual(await here.states(), ['one InSync', 'three InSync', 'two InSync'])
  for (const [name, texts] of published) {
    const kept = new Set((await Promise.all(here.all.map((each) => each.texts(name)))).flat())
    for (const text of texts) assert.ok(kept.has(text), `${name} has lost ${text}`)
  }
  await here.close()
})
