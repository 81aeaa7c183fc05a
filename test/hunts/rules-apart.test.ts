/**
 * Texts of many rules are looked up and run rule by rule. Whatever the rules say and refer to, a hunt must answer as the
 * engine does for the whole text: the same rules on the same samples, in the same order on each, with the same strings.
 *
 * `BACKTRAIL_SEED` repeats a run.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import type { HuntHit } from '../../src/hunts/index.ts'
import { planText } from '../../src/planner/index.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { HuntingGround, until } from './hunt-fixture.ts'

const seed = chosenSeed()
const words = ['alpha word', 'bravo word', 'Charlie', 'delta force', 'echo echo', 'foxtrot!', 'golf club', 'hotel bar']

let ground: HuntingGround
before(async () => {
  ground = await HuntingGround.open()
  const random = randomFrom(seed)
  const contents = new Map<string, Buffer>()
  for (let n = 0; n < 40; n++) {
    const chosen = random.shuffled(words).slice(0, random.below(5))
    const text = `${random.pick(['MZ', '', '#!'])} ${chosen.join(' and ')} ${chosen.join('; ')} ${n}`
    contents.set(
      `sample-${n}${random.pick(['.exe', '.txt', ''])}`,
      Buffer.from(text, random.once(4) ? 'utf16le' : 'latin1'),
    )
  }
  contents.set('every-word.exe', Buffer.from(`MZ ${words.join(', ')}, MZ alpha word`))
  await ground.takeAll(contents)
})
after(() => ground.close())

/** A text of rules that refer to each other, with whatever may stand between them. */
function randomText(random: Random, count: number, { withGlobal = false } = {}): string {
  const names: string[] = []
  const parts = [random.pick(['import "pe"', 'import "pe" import "hash"', 'import "math"\nimport "pe"'])]
  for (let n = 0; n < count; n++) {
    const name = `rule_${n}`
    // Not to all: parts that grew with what they refer to would be too long, and the text be run as a whole.
    const known = names.slice(0, 12)
    const leaf = (): string => {
      switch (random.below(9)) {
        case 0:
          return known.length > 0 ? random.pick(known) : '$a'
        case 1:
          return known.length > 0 ? `not ${random.pick(known)}` : '$b'
        case 2:
          return random.pick(['uint16(0) == 0x5a4d', 'filesize < 60', 'filesize > 40'])
        case 3:
          return random.pick(['filename contains "1"', 'extension matches /exe/', 'filetype == "Text"'])
        case 4:
          return random.pick(['pe.is_pe', 'not defined pe.entry_point', 'pe.number_of_sections == 0'])
        case 5:
          return random.pick(['#a > 1', '@b < 10', '$a in (0..20)', '1 of them', 'all of them'])
        default:
          return random.pick(['$a', '$b'])
      }
    }
    const condition = `${leaf()} ${random.pick(['and', 'or'])} (${leaf()} ${random.pick(['and', 'or'])} ${leaf()})`
    const string = () => `"${random.pick(words)}" ${random.pick(['', 'nocase', 'wide ascii', 'private', 'xor(0-3)'])}`
    const modifiers = `${withGlobal && n === 3 ? 'global ' : ''}${random.once(4) ? 'private ' : ''}`
    parts.push(
      random.pick(['', `// before rule_${n + 1}`, '/* rule none { condition: true } */', 'import "pe"']),
      `${modifiers}rule ${name} ${random.pick(['', ': first second', `: tag_${n}`])} {
        meta: about = "${random.pick(['rule_0', 'nothing', 'pe'])}" number = ${n}
        strings: $a = ${string()} $b = ${string()}
        condition: ($a or $b or true) and ${condition} }`,
    )
    names.push(name)
  }
  return parts.join('\n')
}

/** One that is taken apart: where rules happen to refer to very many others, a text is run as a whole. */
function textInParts(random: Random, count: number, options: { readonly withGlobal?: boolean } = {}): string {
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = randomText(random, count, options)
    if (planText(text, { inParts: true }).parts !== null) return text
  }
  return assert.fail(`no text in fifty is taken apart, seed ${seed}`)
}

async function hitsOf(texts: readonly string[], useIndex: boolean): Promise<Omit<HuntHit, 'id'>[]> {
  const { adHocHunts } = ground.appliance
  const { id } = await adHocHunts.create(ground.admin, {
    texts: texts.map((content, n) => ({ name: `text ${n}`, content })),
    selection: {},
    useIndex,
    title: null,
  })
  await adHocHunts.settled(id)
  const { state, failure } = await adHocHunts.get(id)
  assert.deepEqual([state, failure], ['completed', null], `seed ${seed}`)
  const hits = await adHocHunts.hits(id, { after: 0, limit: 100_000 })
  // Samples behind one that takes long may come before it.
  return hits
    .map(({ id, ...hit }) => hit)
    .sort((one, other) => (one.sha256 < other.sha256 ? -1 : one.sha256 > other.sha256 ? 1 : 0))
}

/**
 * The same rules on the same samples, in the same order on each, with the same strings. The engine looks for strings only when a
 * condition needs one: a rule that is true without them shows none by itself, and may show some beside others.
 */
function assertSameHits(apart: readonly Omit<HuntHit, 'id'>[], whole: typeof apart, about: string): void {
  const alike = (one: typeof apart, other: typeof apart) =>
    one.map((hit, n) => (other[n]?.strings.length === 0 || hit.strings.length === 0 ? { ...hit, strings: [] } : hit))
  assert.deepEqual(alike(apart, whole), alike(whole, apart), about)
  assert.ok(
    apart.some(({ strings }) => strings.length > 0) || whole.every(({ strings }) => strings.length === 0),
    about,
  )
}

test('a text in parts finds what it finds as a whole, in the same order, whatever its rules refer to', async (t) => {
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed + 1)
  let found = 0
  for (let n = 0; n < 4; n++) {
    const text = textInParts(random, 24 + random.below(20), { withGlobal: n % 2 === 1 })
    const expected = await hitsOf([text], false)
    assertSameHits(await hitsOf([text], true), expected, `seed ${seed}, ${text}`)
    found += expected.length
  }
  assert.ok(found > 20, `${found} hits`)
})

test('texts with rules of the same names keep them apart', async () => {
  const random = randomFrom(seed + 2)
  const texts = [randomText(random, 20), randomText(random, 24, { withGlobal: true }), randomText(random, 3)]
  const same = [...texts, texts[0] as string]
  assertSameHits(await hitsOf(same, true), await hitsOf(same, false), `seed ${seed}`)
})

test('a text of hundreds of rules, which are scanned with in groups by their candidates, finds the same', async () => {
  const random = randomFrom(seed + 3)
  const text = textInParts(random, 450)
  assert.ok((planText(text, { inParts: true }).parts?.length ?? 0) > 300, `seed ${seed}`)
  const expected = await hitsOf([text], false)
  assert.ok(expected.length > 300, `${expected.length} hits`)
  assertSameHits(await hitsOf([text], true), expected, `seed ${seed}`)
  assertSameHits(await hitsOf([text], true), expected, `again, seed ${seed}`)
})

test('Local Retro runs a text in parts, and its matches are those of the ruleset', async () => {
  const random = randomFrom(seed + 4)
  const text = randomText(random, 30, { withGlobal: random.once(2) })
  const expected = await ground.hunt(text, false)
  const { localRetro, rulesets } = ground.appliance
  await ground.save('many_rules', text)
  await localRetro.start(ground.admin)
  await localRetro.idle()
  assert.equal((await localRetro.status())?.state, 'COMPLETED')
  assert.deepEqual(await ground.matchesOf('many_rules'), expected, `seed ${seed}`)
  await rulesets.remove(ground.admin, 'many_rules')
})

test('the retro hunt of a tenant runs a text in parts, and its feed names the ruleset and the rules', async () => {
  const random = randomFrom(seed + 5)
  const text = randomText(random, 30, { withGlobal: random.once(2) })
  const expected = await ground.hunt(text, false)
  const { accounts, tenants } = ground.appliance
  const { id: tenantId } = await accounts.users.add({ name: 'acme', password: 'correct horse', role: 'tenant' })
  await tenants.rulesets.create(tenantId, { name: 'many_rules', text, wantsSamples: true })
  await tenants.retroHunts.start(tenantId, 'many_rules')
  await until(() => tenants.retroHunts.unfinished === 0, 'the retro hunt is over')
  const database = new DatabaseSync(join(ground.dataFolder, 'backtrail.db'), { readOnly: true })
  const rows = database
    .prepare(
      `SELECT rules, samples.name AS name FROM feed_entries JOIN samples ON samples.id = sample_id WHERE feed = 'retro'`,
    )
    .all() as { rules: string; name: string }[]
  database.close()
  const found = rows.flatMap(({ rules, name }) =>
    (JSON.parse(rules) as { identifier: string }[]).map(({ identifier }) => `${identifier} ${name}`),
  )
  assert.deepEqual(found.sort(), expected, `seed ${seed}`)
})

test('a rule that does not end costs the other rules of its text nothing, and is reported as the text', async () => {
  const others = Array.from(
    { length: 20 },
    (_, n) => `rule other_${n} { strings: $a = "${words[n % 8]}" condition: $a }`,
  )
  const endless =
    'rule endless { strings: $a = "MZ alpha word" condition: $a and for all i in (0..100000000000) : ( i >= 0 ) }'
  const expected = await ground.hunt(others.join('\n'), false)
  const { adHocHunts } = ground.appliance
  const { id } = await adHocHunts.create(ground.admin, {
    texts: [{ name: 'rules', content: [...others, endless].join('\n') }],
    selection: {},
    useIndex: true,
    title: null,
  })
  await adHocHunts.settled(id)
  const hits = await adHocHunts.hits(id, { after: 0, limit: 100_000 })
  assert.deepEqual(hits.map(({ rule, filename }) => `${rule} ${filename}`).sort(), expected)
  const { state, failure } = await adHocHunts.get(id)
  assert.equal(state, 'completed')
  assert.match(failure ?? '', /^rules was stopped: on \d+ samples?/)
})
