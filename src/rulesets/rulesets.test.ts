import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { type Account, Accounts } from '../accounts/index.ts'
import { planHeader, planText } from '../planner/index.ts'
import { engines } from '../store/each-engine.fixture.ts'
import { now, type RulesetQuery } from '../store/index.ts'
import { type Installation, openInstallation, planner, rule } from './installation.fixture.ts'
import { Rulesets } from './rulesets.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

const BROKEN = 'rule broken { condition: }'

let here: Installation

beforeEach(async () => {
  here = await openInstallation()
})
afterEach(() => here.close())

/** Records that the rules of a ruleset's current revision hold on a sample. */
async function match(name: string, sampleId: number, ...rules: string[]): Promise<number> {
  const { key } = await runnable(name)
  const added = await here.store.transaction('completeSamples', (tx) => {
    const hits = rules.map((rule) => ({ ruleset: key, rule, tags: [], meta: {}, strings: [] }))
    return here.matches.record(tx, { sampleId, hits, at: 1_000_000 })
  })
  return added.length
}

async function runnable(name: string) {
  const found = (await here.rulesets.liveSet()).rulesets.find((ruleset) => ruleset.name === name)
  assert.ok(found, `${name} runs`)
  return found
}

const names = async (query: Partial<RulesetQuery>, by = here.ada): Promise<string[]> => {
  const whole = { type: 'my', status: 'all', source: 'all', page: null, ...query } as const
  const { count, results } = await here.rulesets.list(by, whole)
  if (!whole.page) assert.equal(count, results.length)
  return results.map((entry) => entry.name)
}

test('a new ruleset is stored, enabled and runs', async () => {
  const text = rule('one')
  const outcome = await here.rulesets.save(here.ada, { name: 'first', content: text })
  assert.deepEqual(outcome, {
    name: 'first',
    created: true,
    revision: 1,
    cloudSynced: false,
    state: 'valid',
    diagnostics: [],
    leftOut: [],
  })
  assert.equal(await here.rulesets.content('first'), text)
  const { name, content, plan } = await runnable('first')
  assert.equal(name, 'first')
  assert.equal(content, text)
  assert.equal(plan, planText(text).plan)
  const { status, owner, revision, core, enabled, lastMatched, counts } = await here.rulesets.get('first')
  assert.deepEqual(
    { status, owner, revision, core, enabled, lastMatched, counts },
    {
      status: 'active',
      owner: 'ada',
      revision: 1,
      core: false,
      enabled: true,
      lastMatched: null,
      counts: { unknown: 0, goodware: 0, suspicious: 0, malicious: 0 },
    },
  )
})

test('names are 3 to 48 visible characters without slashes; a text must be there', async () => {
  const invisible = ['abc\n', 'a\tb c', 'a\u0000b', 'a\u202eb', 'a\u200bb', 'a\u2028b', ' abc', 'abc ', 'a\ud800b']
  for (const name of ['', 'ab', 'x'.repeat(49), 'a/b/c', 'a\\b', '   ', ...invisible]) {
    await assert.rejects(here.rulesets.save(here.ada, { name, content: rule('one') }), {
      code: 'parameter.out-of-range',
      message: /^Parameter not in expected range/,
    })
    await assert.rejects(here.rulesets.content(name), {
      code: 'ruleset.name-invalid',
      message: 'Missing or invalid ruleset name parameter',
    })
    await assert.rejects(here.rulesets.setEnabled(here.ada, name, true), {
      status: 400,
      message: 'Missing or malformed name parameter',
    })
    await assert.rejects(here.rulesets.remove(here.ada, name), { code: 'ruleset.name-invalid' })
  }
  for (const name of [
    'abc',
    'x'.repeat(48),
    'A-b_9',
    'a b c',
    'Win32.Ransomware',
    '😀'.repeat(48),
    '...',
    '100% <b>&?',
  ]) {
    assert.equal((await here.rulesets.save(here.ada, { name, content: rule('one') })).created, true)
  }
  // Of a ruleset that has such a name already, or comes from the cluster, it stays.
  for (const name of ['C# loaders', 'a%2Bb']) {
    await assert.rejects(here.rulesets.save(here.ada, { name, content: rule('one') }), {
      code: 'parameter.out-of-range',
      message: /has no # and no % before two hexadecimal digits/,
    })
    await here.rulesets.save(here.ada, { name, content: rule('one'), takes: 1 })
    assert.equal((await here.rulesets.save(here.ada, { name, content: rule('two') })).revision, 2)
  }
  await assert.rejects(here.rulesets.save(here.ada, { name: 'empty', content: '' }), { code: 'parameter.out-of-range' })
})

test('names are told apart by case', async () => {
  await here.rulesets.save(here.ada, { name: 'Case', content: rule('upper') })
  await here.rulesets.save(here.bob, { name: 'case', content: rule('lower') })
  assert.equal(await here.rulesets.content('Case'), rule('upper'))
  assert.equal(await here.rulesets.content('case'), rule('lower'))
})

test('each change of a text is a revision that can be read again', async () => {
  await here.rulesets.save(here.ada, { name: 'story', content: rule('one') })
  const second = await here.rulesets.save(here.admin, { name: 'story', content: BROKEN })
  assert.equal(second.created, false)
  assert.equal(second.revision, 2)
  await here.rulesets.save(here.ada, { name: 'story', content: rule('three', 'text', 'tag') })
  assert.deepEqual(
    (await here.rulesets.revisions('story')).map(({ number, author, valid }) => ({ number, author, valid })),
    [
      { number: 3, author: 'ada', valid: true },
      { number: 2, author: 'admin', valid: false },
      { number: 1, author: 'ada', valid: true },
    ],
  )
  const broken = await here.rulesets.revision('story', 2)
  assert.equal(broken.content, BROKEN)
  assert.equal(broken.diagnostics[0]?.line, 1)
  assert.deepEqual(broken.rules, [])
  assert.deepEqual(
    (await here.rulesets.revision('story', 3)).rules.map(({ name, tags }) => ({ name, tags })),
    [{ name: 'three', tags: ['tag'] }],
  )
  await assert.rejects(here.rulesets.revision('story', 4), { code: 'ruleset.revision-not-found', status: 404 })
  assert.equal((await here.rulesets.get('story')).owner, 'ada')
})

test('the same text again succeeds, and changes nothing', async () => {
  await here.rulesets.save(here.ada, { name: 'same', content: rule('one') })
  const before = await here.rulesets.liveSet()
  const again = await here.rulesets.save(here.ada, { name: 'same', content: rule('one') })
  assert.deepEqual({ ...again, created: true }, { ...again, created: true, revision: 1, state: 'valid' })
  assert.equal(again.created, false)
  assert.equal(await here.rulesets.liveSet(), before)
  assert.equal((await here.rulesets.revisions('same')).length, 1)

  // Also over one that was saved before digests of texts were kept.
  await here.database.updateTable('revisions').set({ text_digest: null }).execute()
  assert.equal((await here.rulesets.save(here.ada, { name: 'same', content: rule('one') })).revision, 1)
  // As long, and another text.
  assert.equal((await here.rulesets.save(here.ada, { name: 'same', content: rule('two') })).revision, 2)
  assert.equal((await here.rulesets.save(here.ada, { name: 'same', content: rule('one') })).revision, 3)
})

test('a text that does not compile is stored, told with its first error, and does not run', async () => {
  const outcome = await here.rulesets.save(here.ada, { name: 'broken', content: BROKEN })
  assert.equal(outcome.state, 'invalid')
  assert.ok(outcome.diagnostics.length > 0)
  assert.equal(await here.rulesets.content('broken'), BROKEN)
  const { status, reason } = await here.rulesets.get('broken')
  assert.equal(status, 'invalid')
  assert.match(reason ?? '', /^Line 1, column \d+: /)
  assert.deepEqual((await here.rulesets.liveSet()).rulesets, [])
  const again = await here.rulesets.save(here.ada, { name: 'broken', content: BROKEN })
  assert.deepEqual({ revision: again.revision, state: again.state }, { revision: 1, state: 'invalid' })
  await here.rulesets.save(here.ada, { name: 'broken', content: rule('mended') })
  assert.equal((await here.rulesets.get('broken')).reason, null)
  await runnable('broken')
})

test("other users' rulesets are refused to users and not to administrators; core rulesets to all", async () => {
  await here.rulesets.save(here.ada, { name: 'of_ada', content: rule('one') })
  await here.rulesets.importCore(here.admin, { name: 'of_core', content: rule('one') })
  const { rulesets, ada, bob, admin } = here
  const foreign = { code: 'ruleset.foreign', status: 401 }
  await assert.rejects(rulesets.save(bob, { name: 'of_ada', content: rule('two') }), foreign)
  await assert.rejects(rulesets.remove(bob, 'of_ada'), {
    ...foreign,
    message: 'Unauthorized action; ruleset is a Spectra Core ruleset or was created by another user',
  })
  await assert.rejects(rulesets.setEnabled(bob, 'of_ada', false), {
    ...foreign,
    message: 'Ruleset cannot be enabled/disabled. It is created by another user.',
  })
  assert.equal(await rulesets.content('of_ada'), rule('one'))
  await rulesets.setEnabled(admin, 'of_ada', false)
  await rulesets.save(admin, { name: 'of_ada', content: rule('two') })
  for (const by of [ada, admin]) {
    await assert.rejects(rulesets.save(by, { name: 'of_core', content: rule('two') }), {
      code: 'ruleset.core',
      status: 401,
      message: 'Core ruleset cannot be updated',
    })
    await assert.rejects(rulesets.setEnabled(by, 'of_core', false), {
      code: 'ruleset.core',
      message: 'Core ruleset cannot be enabled/disabled',
    })
    await assert.rejects(rulesets.remove(by, 'of_core'), {
      code: 'ruleset.core',
      message: 'Unauthorized action; ruleset is a Spectra Core ruleset or was created by another user',
    })
  }
  assert.equal(await rulesets.content('of_core'), rule('one'))
  await rulesets.remove(admin, 'of_ada')
})

test('core rulesets are imported and updated by administrators, and never in place of a user ruleset', async () => {
  await assert.rejects(here.rulesets.importCore(here.ada, { name: 'core', content: rule('one') }), {
    code: 'right.missing',
  })
  await here.rulesets.importCore(here.admin, { name: 'core', content: rule('one') })
  assert.equal((await here.rulesets.importCore(here.admin, { name: 'core', content: rule('two') })).revision, 2)
  assert.equal((await here.rulesets.get('core')).core, true)
  await here.rulesets.save(here.ada, { name: 'mine', content: rule('one') })
  await assert.rejects(here.rulesets.importCore(here.admin, { name: 'mine', content: rule('two') }), {
    code: 'ruleset.exists',
  })
})

test('an unknown ruleset is not found, in the words of each endpoint', async () => {
  const { rulesets, ada } = here
  await assert.rejects(rulesets.content('nothing'), { status: 404, message: 'Ruleset not found' })
  await assert.rejects(rulesets.get('nothing'), { status: 404, message: 'Ruleset not found' })
  await assert.rejects(rulesets.remove(ada, 'nothing'), { status: 404, message: 'Ruleset not found' })
  await assert.rejects(rulesets.setEnabled(ada, 'nothing', true), {
    status: 404,
    message: 'Ruleset with that name does not exist',
  })
})

test('a ruleset is not changed while a cloud validates it or hunts with it', async () => {
  // The connection to a cloud sets this state.
  await here.rulesets.save(here.ada, { name: 'clouded', content: rule('one') })
  const status = async (cloud_state: 'validating' | 'hunting' | 'capped' | null): Promise<string> => {
    await here.database.updateTable('rulesets').set({ cloud_state, cloud_synced: 1 }).execute()
    return (await here.rulesets.get('clouded')).status
  }
  const change = { name: 'clouded', content: rule('two') }
  assert.equal(await status('validating'), 'pending')
  await assert.rejects(here.rulesets.save(here.ada, change), { code: 'ruleset.busy', status: 409 })
  assert.equal(await status('hunting'), 'active')
  await assert.rejects(here.rulesets.save(here.ada, change), { code: 'ruleset.busy', status: 409 })
  assert.equal(await status('capped'), 'capped')
  assert.equal((await here.rulesets.save(here.ada, change)).cloudSynced, true)
})

test('the list is filtered by owner, status and source, sorted by name, and counts what it filters', async () => {
  const { rulesets, ada, bob, admin, database } = here
  await rulesets.save(ada, { name: 'ada_b', content: rule('one') })
  await rulesets.save(ada, { name: 'ada_a', content: BROKEN })
  await rulesets.save(ada, { name: 'ada_c', content: rule('one') })
  await rulesets.save(bob, { name: 'bob_a', content: rule('one') })
  await rulesets.importCore(admin, { name: 'core_a', content: rule('one') })
  await rulesets.setEnabled(ada, 'ada_c', false)
  await database.updateTable('rulesets').set({ cloud_synced: 1 }).where('name', '=', 'bob_a').execute()
  assert.deepEqual(await names({}), ['ada_a', 'ada_b', 'ada_c'])
  assert.deepEqual(await names({}, bob), ['bob_a'])
  assert.deepEqual(await names({}, admin), [], 'core rulesets are not listed by default')
  assert.deepEqual(await names({ type: 'user' }), ['ada_a', 'ada_b', 'ada_c', 'bob_a'])
  assert.deepEqual(await names({ type: 'system' }), ['core_a'])
  assert.deepEqual(await names({ type: 'all' }), ['ada_a', 'ada_b', 'ada_c', 'bob_a', 'core_a'])
  assert.deepEqual(await names({ status: 'active' }), ['ada_b'])
  assert.deepEqual(await names({ status: 'invalid' }), ['ada_a'])
  assert.deepEqual(await names({ status: 'disabled' }), ['ada_c'])
  assert.deepEqual(await names({ status: 'pending', type: 'all' }), [])
  assert.deepEqual(await names({ source: 'cloud', type: 'all' }), ['bob_a'])
  assert.deepEqual(await names({ source: 'local', type: 'user' }), ['ada_a', 'ada_b', 'ada_c'])
})

test('pages of the list follow each other and end where the list ends', async () => {
  for (const name of ['r01', 'r02', 'r03', 'r04', 'r05']) {
    await here.rulesets.save(here.ada, { name, content: rule('one') })
  }
  const page = (number: number, size: number) => names({ page: { number, size } })
  assert.deepEqual(await page(1, 2), ['r01', 'r02'])
  assert.deepEqual(await page(3, 2), ['r05'])
  assert.deepEqual(await page(1, 500), ['r01', 'r02', 'r03', 'r04', 'r05'])
  await assert.rejects(page(4, 2), { code: 'page.beyond-end', status: 400 })
  assert.deepEqual(await names({ page: { number: 1, size: 10 } }, here.bob), [])
})

test('disabling takes a ruleset out of what runs, enabling brings it back, and both may be said twice', async () => {
  await here.rulesets.save(here.ada, { name: 'switch', content: rule('one') })
  for (const enabled of [false, false, true, true]) {
    assert.equal(await here.rulesets.setEnabled(here.ada, 'switch', enabled), 'valid')
    assert.equal((await here.rulesets.liveSet()).rulesets.length, enabled ? 1 : 0)
    assert.equal((await here.rulesets.get('switch')).status, enabled ? 'active' : 'disabled')
  }
  await here.rulesets.setEnabled(here.ada, 'switch', false)
  assert.equal(await here.rulesets.content('switch'), rule('one'))
  await here.rulesets.save(here.ada, { name: 'switch', content: rule('two') })
  assert.equal((await here.rulesets.get('switch')).status, 'disabled', 'an update does not enable')
})

test('the generation grows with every change of what runs, with no other, and listeners hear of it', async () => {
  const { rulesets, ada } = here
  const logged: number[] = []
  const stop = rulesets.onChange((generation) => logged.push(generation))
  const steps: [string, () => Promise<unknown>, number][] = [
    ['a valid ruleset', () => rulesets.save(ada, { name: 'one', content: rule('one') }), 1],
    ['an invalid ruleset', () => rulesets.save(ada, { name: 'two', content: BROKEN }), 0],
    ['the same text', () => rulesets.save(ada, { name: 'one', content: rule('one') }), 0],
    ['another text', () => rulesets.save(ada, { name: 'one', content: rule('one', 'other') }), 1],
    ['a text that breaks it', () => rulesets.save(ada, { name: 'one', content: BROKEN }), 1],
    ['a text that mends it', () => rulesets.save(ada, { name: 'one', content: rule('one') }), 1],
    ['enabling the enabled', () => rulesets.setEnabled(ada, 'one', true), 0],
    ['disabling', () => rulesets.setEnabled(ada, 'one', false), 1],
    ['another text while disabled', () => rulesets.save(ada, { name: 'one', content: rule('new') }), 0],
    ['disabling the invalid', () => rulesets.setEnabled(ada, 'two', false), 0],
    ['enabling', () => rulesets.setEnabled(ada, 'one', true), 1],
    ['removing the invalid', () => rulesets.remove(ada, 'two'), 0],
    ['removing', () => rulesets.remove(ada, 'one'), 1],
  ]
  let generation = await rulesets.generation()
  for (const [what, step, growth] of steps) {
    const before = await rulesets.liveSet()
    await step()
    assert.equal(await rulesets.generation(), generation + growth, what)
    generation += growth
    const after = await rulesets.liveSet()
    assert.equal(after.generation, generation)
    assert.equal(after.id, `live:${generation}`)
    assert.equal(after === before, growth === 0, what)
  }
  assert.deepEqual(logged, [1, 2, 3, 4, 5, 6, 7])
  stop()
  await rulesets.save(ada, { name: 'unheard', content: rule('one') })
  assert.equal(logged.length, 7)
})

test('a live set names its members in the order of its rulesets', async () => {
  for (const name of ['zebra', 'alpha', 'middle']) await here.rulesets.save(here.ada, { name, content: rule(name) })
  await here.rulesets.setEnabled(here.ada, 'alpha', false)
  const { rulesets, members } = await here.rulesets.liveSet()
  assert.deepEqual(
    members.map(({ revisionId }) => `r${revisionId}`),
    rulesets.map(({ key }) => key),
  )
  const zebra = await here.rulesets.get('zebra')
  assert.equal(members[rulesets.findIndex(({ name }) => name === 'zebra')]?.rulesetId, zebra.id)
  assert.equal(members.length, 2)
})

test('revisions are run again after a restart, old ones too, in the order asked for', async () => {
  await here.rulesets.save(here.ada, { name: 'one', content: rule('old') })
  await here.rulesets.save(here.ada, { name: 'two', content: rule('two') })
  const [one, two] = (await here.rulesets.liveSet()).members.map(({ revisionId }) => revisionId)
  await here.rulesets.save(here.ada, { name: 'one', content: rule('new') })
  const again = await here.restarted().runnable([two ?? 0, 4711, one ?? 0])
  assert.deepEqual(
    again.map(({ key, content }) => ({ key, content })),
    [
      { key: `r${two}`, content: rule('two') },
      { key: `r${one}`, content: rule('old') },
    ],
  )
  assert.equal(again[1]?.plan, planText(rule('old')).plan)
})

test('plans of an older planner are made anew after a start, once, or when they are wanted', async () => {
  await here.rulesets.save(here.ada, { name: 'one', content: rule('one') })
  await here.rulesets.save(here.ada, { name: 'two', content: rule('two') })
  await here.rulesets.save(here.ada, { name: 'two', content: BROKEN })
  const older = sql<string>`replace(plan, ${planHeader}, 'backtrail-plan 3.2 ')`
  await here.database.updateTable('revisions').set({ plan: older }).where('plan', 'is not', null).execute()
  const before = await here.rulesets.generation()
  const gate = Promise.withResolvers<void>()
  const plan: RulesetPlanner['plan'] = async (content) => {
    if (content === rule('two')) await gate.promise
    return planText(content)
  }
  const rulesets = here.restarted({ plan })
  const { count, ended } = await rulesets.beginReplanning()
  assert.equal(count, 2, 'the one that is live, and the one that matches still belong to')
  assert.equal((await rulesets.liveSet()).rulesets[0]?.plan, planText(rule('one')).plan, 'no other is waited for')
  gate.resolve()
  await ended
  assert.ok((await rulesets.generation()) > before)
  assert.equal((await here.restarted().beginReplanning()).count, 0)
})

test('an update keeps the matches of rules that are the same and drops those that changed or went', async () => {
  const [kept, changed, went] = [rule('kept'), rule('changed'), rule('went')]
  await here.rulesets.save(here.ada, { name: 'many', content: kept + changed + went })
  const sample = await here.sample()
  await match('many', sample, 'kept', 'changed', 'went')
  await here.rulesets.save(here.ada, {
    name: 'many',
    content: `// moved\n${rule('changed', 'other')}${rule('new')}${kept}`,
  })
  const rules = async (): Promise<string[]> => (await here.matches.ofSample(sample)).map((row) => row.rule)
  assert.deepEqual(await rules(), ['kept'])
  assert.equal((await here.rulesets.get('many')).lastMatched, 1_000_000)
  await here.rulesets.save(here.ada, { name: 'many', content: BROKEN })
  assert.deepEqual(await rules(), ['kept'], 'a slip of the pen loses nothing')
  await here.rulesets.save(here.ada, { name: 'many', content: kept + changed })
  assert.deepEqual(await rules(), ['kept'], 'compared with the last text that compiled')
  await here.rulesets.save(here.ada, { name: 'many', content: changed })
  assert.deepEqual(await rules(), [])
  assert.equal((await here.rulesets.get('many')).lastMatched, null)
})

test('a removed ruleset is gone with its matches, counts and revisions, and its name is free', async () => {
  await here.rulesets.save(here.ada, { name: 'gone', content: rule('one') })
  await here.rulesets.save(here.ada, { name: 'stays', content: rule('one') })
  const sample = await here.sample()
  await match('gone', sample, 'one')
  await match('stays', sample, 'one')
  await here.rulesets.remove(here.ada, 'gone')
  await assert.rejects(here.rulesets.content('gone'), { code: 'ruleset.not-found' })
  assert.deepEqual(
    (await here.matches.ofSample(sample)).map((row) => row.ruleset),
    ['stays'],
  )
  for (const table of ['revisions', 'ruleset_counts', 'matches'] as const) {
    assert.equal((await here.database.selectFrom(table).selectAll().execute()).length, 1, table)
  }
  assert.equal((await here.rulesets.save(here.bob, { name: 'gone', content: rule('one') })).created, true)
  assert.equal((await here.rulesets.get('gone')).counts.unknown, 0)
})

test('changes of one ruleset that come at once happen one after the other', async () => {
  const saves = Array.from({ length: 12 }, (_, n) =>
    here.rulesets.save(here.ada, { name: 'rush', content: rule('one', `text number ${n}`) }),
  )
  const outcomes = await Promise.all([...saves, here.rulesets.setEnabled(here.ada, 'rush', false)])
  assert.equal(outcomes.at(-1), 'valid')
  assert.deepEqual(
    (await here.rulesets.revisions('rush')).map(({ number }) => number),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
  )
  assert.equal(await here.rulesets.content('rush'), rule('one', 'text number 11'))
  await assert.rejects(here.rulesets.save(here.bob, { name: 'rush', content: rule('x') }), { code: 'ruleset.foreign' })
  await here.rulesets.remove(here.ada, 'rush')
})

for (const { name: database, skip, fresh } of engines) {
  test(`what another process does to a ruleset while its new text is checked counts (${database})`, {
    skip,
  }, async (t) => {
    const store = await fresh(t)
    await new Accounts(store).users.operator()
    const [ada, bob] = await Promise.all(
      ['ada', 'bob'].map(async (name): Promise<Account> => {
        const given = { name, passwordHash: '', role: 'user', contributes: false, created: now() } as const
        return { id: await store.users.add(given), name, role: 'user' }
      }),
    )
    assert.ok(ada && bob)
    let meanwhile: () => Promise<unknown> = async () => {}
    const rulesets = (beforeAnswer: () => Promise<unknown>) =>
      new Rulesets({
        store,
        planner,
        checker: {
          check: async () => {
            await beforeAnswer()
            return { valid: true, diagnostics: [] }
          },
        },
      })
    const other = rulesets(async () => {})
    const here = rulesets(() => {
      const work = meanwhile
      meanwhile = async () => {}
      return work()
    })
    const text = (content: string, name = 'mine') => ({ name, content: rule(content) })

    meanwhile = () => other.save(bob, text('of_bob', 'taken'))
    await assert.rejects(here.save(ada, text('of_ada', 'taken')), { code: 'ruleset.foreign' })
    assert.equal(await here.content('taken'), rule('of_bob'))

    await here.save(ada, text('one'))
    meanwhile = () => other.save(ada, text('two'))
    await assert.rejects(here.save(ada, { ...text('three'), replaces: 1 }), { code: 'ruleset.changed' })
    assert.equal(await here.content('mine'), rule('two'))
    // Where nobody says what is replaced, the last one wins.
    meanwhile = () => other.save(ada, text('three'))
    assert.equal((await here.save(ada, text('four'))).revision, 4)
    assert.equal(await here.content('mine'), rule('four'))
    // The same text is no conflict.
    meanwhile = () => other.save(ada, text('five'))
    const { created, revision } = await here.save(ada, { ...text('five'), replaces: 4 })
    assert.deepEqual({ created, revision }, { created: false, revision: 5 })

    const { id } = await here.get('mine')
    meanwhile = () => store.rulesets.setCloudState(id, { synced: true, state: 'hunting' })
    await assert.rejects(here.save(ada, text('six')), { code: 'ruleset.busy' })
    await store.rulesets.setCloudState(id, { synced: true, state: null })
    meanwhile = () => other.setEnabled(ada, 'mine', false)
    await here.save(ada, text('six'))
    assert.equal((await here.get('mine')).enabled, false)

    meanwhile = () => other.remove(ada, 'mine')
    await assert.rejects(here.save(ada, { ...text('seven'), replaces: 6 }), { code: 'ruleset.changed' })
    meanwhile = () => other.save(ada, text('anew'))
    assert.equal((await here.save(ada, text('newer'))).revision, 2)
  })
}

test('lone surrogates are stored as they were checked', async () => {
  await here.rulesets.save(here.ada, { name: 'odd', content: `// \ud800\n${rule('one')}` })
  assert.deepEqual(here.checked, [`// \ufffd\n${rule('one')}`])
  assert.equal(await here.rulesets.content('odd'), here.checked[0])
})

test('a text that arrives from elsewhere is saved with its switch at once, and observers learn what it is for', async () => {
  const seen: unknown[] = []
  const rulesets = new Rulesets({
    store: here.store,
    checker: { check: async () => ({ valid: true, diagnostics: [] }) },
    planner,
    observers: [
      {
        recordChange: async (tx, id, { takes, publishAs }) => {
          const { name, enabled } = await tx.rulesets.findText(id)
          seen.push([name, enabled, takes, publishAs])
        },
        recordRemoval: async (_, { name }, { takes, publishAs }) => {
          seen.push([name, 'removed', takes, publishAs])
        },
        committed: () => {},
      },
    ],
  })
  const generation = await rulesets.generation()
  await rulesets.save(here.admin, { name: 'shared', content: rule('A'), enabled: false, takes: 7 })
  assert.equal(await rulesets.generation(), generation, 'it never ran')
  await rulesets.save(here.admin, { name: 'shared', content: rule('A', 'new'), enabled: true, takes: 8 })
  assert.equal(await rulesets.generation(), generation + 1)
  await rulesets.save(here.admin, { name: 'shared', content: rule('A', 'new'), publishAs: 'ada' })
  await rulesets.setEnabled(here.admin, 'shared', false, { publishAs: 'ada' })
  await assert.rejects(rulesets.remove(here.admin, 'shared', { takes: 9, replaces: 1 }), { code: 'ruleset.changed' })
  await rulesets.remove(here.admin, 'shared', { takes: 9, replaces: 2 })
  assert.deepEqual(seen, [
    ['shared', false, 7, undefined],
    ['shared', true, 8, undefined],
    ['shared', true, undefined, 'ada'],
    ['shared', false, undefined, 'ada'],
    ['shared', 'removed', 9, undefined],
  ])
})
