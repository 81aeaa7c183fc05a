/** Matches, counts and classifications while rulesets, samples and verdicts change, against a naive recount. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { classifyByUser } from '../matches/index.ts'
import type { Classification } from '../store/index.ts'
import { type Installation, openInstallation, rule } from './installation.fixture.ts'

const NAMES = ['alpha', 'beta', 'gamma', 'delta']
const TAGS = [
  '',
  'tc_detection malicious|tc_detection_type = "Trojan" tc_detection_name = "A" tc_detection_factor = 3',
  'tc_detection malicious|tc_detection_type = "Worm" tc_detection_name = "B" tc_detection_factor = 5',
  'tc_detection suspicious|tc_detection_type = "PUA" tc_detection_name = "C" tc_detection_factor = 2',
]
/** What each of `TAGS` says: classification and risk score. */
const VERDICTS = [null, [3, 8], [3, 10], [2, 7]] as const

/** The obvious way to keep the same facts. */
interface Model {
  /** Ruleset name → rule name → its text's number and the number of its tags. */
  readonly rulesets: Map<string, { enabled: boolean; rules: Map<string, { body: number; tags: number }> }>
  /** `ruleset rule sample`. */
  readonly matches: Set<string>
  readonly samples: Set<number>
  readonly user: Map<number, Classification>
}

test('after random sequences of changes, matches, counts and classifications are those of a naive recount', async () => {
  const seed = randomInt(2 ** 31)
  console.log(`seed ${seed}`)
  const random = generator(seed)
  const here = await openInstallation()
  try {
    const model: Model = { rulesets: new Map(), matches: new Set(), samples: new Set(), user: new Map() }
    for (let step = 0; step < 400; step += 1) {
      const done = await change(here, model, random)
      if (step % 10 === 9) await compare(here, model, `seed ${seed}, step ${step}: ${done}`)
    }
    assert.ok(model.samples.size > 5, 'the sequence had samples')
  } finally {
    await here.close()
  }
})

async function change(here: Installation, model: Model, random: (below: number) => number): Promise<string> {
  const { rulesets, ada, database } = here
  const pick = <T>(values: Iterable<T>): T | undefined => {
    const all = [...values]
    return all[random(all.length)]
  }
  const what = random(100)
  const name = NAMES[random(NAMES.length)] ?? ''
  if (what < 15) {
    const rules = new Map(
      ['one', 'two', 'three', 'four']
        .filter(() => random(3) > 0)
        .map((ruleName) => [ruleName, { body: random(2), tags: random(TAGS.length) }]),
    )
    const old = model.rulesets.get(name)
    if (random(6) === 0) {
      // A text that does not compile changes nothing yet.
      if (!old) return 'nothing'
      await rulesets.save(ada, { name, content: `rule broken { condition: ${random(1000)} ` })
      await rulesets.save(ada, { name, content: textOf(old.rules) })
      return `break and mend ${name}`
    }
    await rulesets.save(ada, { name, content: textOf(rules) })
    for (const match of model.matches) {
      const [ruleset = '', ruleName = ''] = match.split(' ')
      const same = old?.rules.get(ruleName)?.body === rules.get(ruleName)?.body && rules.has(ruleName)
      if (ruleset === name && !same) model.matches.delete(match)
    }
    model.rulesets.set(name, { enabled: old?.enabled ?? true, rules })
    return `save ${name}`
  }
  if (what < 20) {
    if (!model.rulesets.delete(name)) return 'nothing'
    await rulesets.remove(ada, name)
    for (const match of model.matches) if (match.startsWith(`${name} `)) model.matches.delete(match)
    return `remove ${name}`
  }
  if (what < 28) {
    const ruleset = model.rulesets.get(name)
    if (!ruleset) return 'nothing'
    ruleset.enabled = random(2) === 0
    await rulesets.setEnabled(ada, name, ruleset.enabled)
    return `switch ${name}`
  }
  if (what < 45) {
    model.samples.add(await here.sample())
    return 'sample'
  }
  const sample = pick(model.samples)
  if (sample === undefined) return 'nothing'
  if (what < 50) {
    await database.deleteFrom('samples').where('id', '=', sample).execute()
    model.samples.delete(sample)
    model.user.delete(sample)
    for (const match of model.matches) if (match.endsWith(` ${sample}`)) model.matches.delete(match)
    return `delete sample ${sample}`
  }
  if (what < 58) {
    const classification = [null, 1, 2, 3][random(4)] as 1 | 2 | 3 | null
    const own = classification && { classification, riskScore: null, threatName: null }
    await here.store.transaction('classify', (tx) => classifyByUser(tx, sample, own))
    if (classification === null) model.user.delete(sample)
    else model.user.set(sample, classification)
    return `classify ${sample}`
  }
  // What runs is read before the scan, and something may change before its hits are recorded.
  const live = await rulesets.liveSet()
  const hits = live.rulesets.flatMap(({ key, name: ruleset }) =>
    [...(model.rulesets.get(ruleset)?.rules ?? [])]
      .filter(() => random(2) === 0)
      .map(([ruleName, { body }]) => ({
        ruleset: key,
        of: ruleset,
        rule: ruleName,
        body,
        tags: [],
        meta: {},
        strings: [],
      })),
  )
  const between = random(3) === 0 ? await change(here, model, random) : 'nothing'
  await here.store.transaction('completeSamples', (tx) => here.matches.record(tx, { sampleId: sample, hits, at: 1 }))
  for (const hit of hits) {
    const ruleset = model.rulesets.get(hit.of)
    const stands = ruleset?.enabled && ruleset.rules.get(hit.rule)?.body === hit.body && model.samples.has(sample)
    if (stands) model.matches.add(`${hit.of} ${hit.rule} ${sample}`)
  }
  return `scan ${sample}, with ${between} in between`
}

function textOf(rules: ReadonlyMap<string, { body: number; tags: number }>): string {
  return `// rules\n${[...rules].map(([name, { body, tags }]) => rule(name, `text ${body}`, TAGS[tags])).join('')}`
}

async function compare(here: Installation, model: Model, about: string): Promise<void> {
  const rows = await here.database
    .selectFrom('matches')
    .innerJoin('rulesets', 'rulesets.id', 'matches.ruleset_id')
    .select(['rulesets.name', 'rule', 'sample_id'])
    .execute()
  assert.deepEqual(
    rows.map((row) => `${row.name} ${row.rule} ${row.sample_id}`).sort(),
    [...model.matches].sort(),
    about,
  )

  const classified = new Map<number, { classification: Classification; risk: number | null }>()
  for (const id of model.samples) {
    const verdicts = [...model.matches]
      .map((match) => match.split(' '))
      .filter(([, , sample]) => Number(sample) === id)
      .flatMap(([ruleset = '', name = '']) => {
        const tags = model.rulesets.get(ruleset)?.rules.get(name)?.tags ?? 0
        return VERDICTS[tags] ? [VERDICTS[tags]] : []
      })
      .sort(([a, b], [c, d]) => c - a || d - b)
    const own = model.user.get(id)
    classified.set(
      id,
      own === undefined
        ? { classification: verdicts[0]?.[0] ?? 0, risk: verdicts[0]?.[1] ?? null }
        : { classification: own, risk: { 0: 0, 1: 0, 2: 6, 3: 10 }[own] },
    )
  }
  const samples = await here.database.selectFrom('samples').select(['id', 'classification', 'risk_score']).execute()
  assert.deepEqual(
    new Map(samples.map((row) => [row.id, { classification: row.classification, risk: row.risk_score }])),
    classified,
    about,
  )

  const { results } = await here.rulesets.list(here.ada, { type: 'all', status: 'all', source: 'all', page: null })
  assert.deepEqual(
    results.map((entry) => entry.name),
    [...model.rulesets.keys()].sort(),
    about,
  )
  for (const { name, counts } of results) {
    const naive = [0, 0, 0, 0]
    for (const match of model.matches) {
      const [ruleset, , sample] = match.split(' ')
      const { classification } = classified.get(Number(sample)) ?? { classification: 0 }
      if (ruleset === name) naive[classification] = (naive[classification] ?? 0) + 1
    }
    const { unknown, goodware, suspicious, malicious } = counts
    assert.deepEqual([unknown, goodware, suspicious, malicious], naive, `${about}: counts of ${name}`)
    assert.equal(
      (await here.matches.list({ names: [name], page: null })).count,
      naive.reduce((a, b) => a + b),
    )
  }
}

/** A small generator of numbers below a bound (xorshift), so that a failure can be repeated from its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
