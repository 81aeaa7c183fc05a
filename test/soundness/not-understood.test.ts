/**
 * Whatever is not understood, too large, cut off, damaged or missing ends in "may match": for every way in which that can
 * be, live matching, Local Retro, hunts and the tenants' retro hunts find what a plain scan finds.
 */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { HuntingGround, until } from '../hunts/hunt-fixture.ts'
import { engineFor } from '../planner/engine.ts'
import { chosenSeed } from '../planner/random.ts'
import { ways } from './not-understood.ts'

const contentOf = (n: number) =>
  `sample number ${n} ${n % 2 === 1 ? 'with an odd number' : 'of the even ones'} ${'.'.repeat(n)}`
const files = (from: number, to: number) =>
  new Map(Array.from({ length: to - from }, (_, n) => [`file-${from + n}`, contentOf(from + n)] as const))
/** What is there when the rulesets are saved, in several segments, and what comes afterwards. */
const early = [files(0, 4), files(4, 8), files(8, 12)]
const late = files(12, 18)
const all = new Map([...early.flatMap((some) => [...some]), ...late])

const entries = Object.entries(ways)
const nameOf = (number: number) => `way-${number}`
/**
 * Those that tenants have too, whose rulesets are checked, planned and compiled once more: each third, from another one on in
 * each run; with `BACKTRAIL_LONG=1` all whose size they may have.
 */
const seed = chosenSeed()
const theirs = [...entries.entries()].filter(
  ([number, [, { isLarge }]]) => !isLarge && (process.env.BACKTRAIL_LONG === '1' || number % 3 === seed % 3),
)

let ground: HuntingGround
let tenantId = 0
const warningsOf = new Map<string, readonly string[]>()

/** What the engine alone says of every file, by text: compiling some of them takes long. */
const plainly = new Map<string, ReadonlyMap<string, readonly string[]>>()

/** `rule file`, sorted, as the engine alone says. */
function plain(text: string, contents: ReadonlyMap<string, string>): string[] {
  let found = plainly.get(text)
  if (found === undefined) {
    const scan = engineFor(text.toWellFormed())
    found = new Map([...all].map(([file, content]) => [file, [...scan(Buffer.from(content))]]))
    plainly.set(text, found)
  }
  return [...contents.keys()].flatMap((file) => (found.get(file) ?? []).map((rule) => `${rule} ${file}`)).sort()
}

before(async () => {
  ground = await HuntingGround.open({ workers: '1' })
  for (const some of early) await ground.takeAll(some)
  tenantId = (await ground.appliance.accounts.users.add({ name: 'acme', password: 'correct horse', role: 'tenant' })).id
  console.log(`seed: ${seed}`)
  for (const [number, [what, { text }]] of entries.entries()) {
    const saved = await ground.appliance.rulesets.save(ground.admin, { name: nameOf(number), content: text })
    assert.equal(saved.state, 'valid', `${what}: ${JSON.stringify(saved.diagnostics).slice(0, 500)}`)
    warningsOf.set(
      what,
      saved.diagnostics.filter(({ severity }) => severity === 'warning').map(({ message }) => message),
    )
  }
  for (const [number, [, { text }]] of theirs)
    await ground.appliance.tenants.rulesets.create(tenantId, { name: nameOf(number), text, wantsSamples: true })
  await ground.shut()
  const database = new DatabaseSync(join(ground.dataFolder, 'backtrail.db'))
  for (const [number, [, { damage }]] of entries.entries()) {
    if (damage === undefined) continue
    database.exec(`UPDATE revisions SET plan = ${damage}
      WHERE ruleset_id IN (SELECT id FROM rulesets WHERE name = '${nameOf(number)}')`)
  }
  database.close()
  damageSegments()
  await ground.reopen()
  await ground.takeAll(late)
})
after(() => ground.close())

/** One is gone, one is cut off, and one has other bytes than were written. */
function damageSegments(): void {
  const folder = join(ground.dataFolder, 'index')
  const segments = readdirSync(folder)
    .filter((name) => name.endsWith('.segment'))
    .map((name) => join(folder, name))
  assert.ok(segments.length >= early.length, `only ${segments.length} segments: ${readdirSync(folder)}`)
  const [gone = '', cut = '', changed = ''] = segments
  rmSync(gone)
  const cutFile = openSync(cut, 'r+')
  ftruncateSync(cutFile, 700)
  closeSync(cutFile)
  const changedFile = openSync(changed, 'r+')
  writeSync(changedFile, Buffer.alloc(4_096), 0, 4_096, 1_000)
  closeSync(changedFile)
}

test('live matching finds what a plain scan finds', async () => {
  for (const [number, [what, { text }]] of entries.entries()) {
    assert.deepEqual(await ground.matchesOf(nameOf(number)), plain(text, late), what)
  }
})

test('hunts find what a plain scan finds', async () => {
  const { adHocHunts } = ground.appliance
  const texts = entries.map(([name, { text }]) => ({ name, content: text }))
  const { id } = await adHocHunts.create(ground.admin, { texts, selection: {}, useIndex: true, title: null })
  await adHocHunts.settled(id)
  const { state, failure } = await adHocHunts.get(id)
  assert.equal(state, 'completed', failure ?? '')
  const found = await adHocHunts.hits(id, { after: 0, limit: 100_000 })
  for (const [what, { text }] of entries) {
    const hits = found.filter(({ ruleset }) => ruleset === what).map(({ rule, filename }) => `${rule} ${filename}`)
    assert.deepEqual(hits.sort(), plain(text, all), what)
  }
})

test('Local Retro finds what a plain scan finds', async () => {
  await ground.appliance.localRetro.start(ground.admin)
  await ground.appliance.localRetro.idle()
  for (const [number, [what, { text }]] of entries.entries()) {
    assert.deepEqual(await ground.matchesOf(nameOf(number)), plain(text, all), what)
  }
})

test("tenants' retro hunts find what a plain scan finds", async () => {
  const { retroHunts } = ground.appliance.tenants
  for (const [number] of theirs) await retroHunts.start(tenantId, nameOf(number))
  await until(() => retroHunts.unfinished === 0, 'all retro hunts are over')
  const database = new DatabaseSync(join(ground.dataFolder, 'backtrail.db'), { readOnly: true })
  const found = database.prepare(`SELECT samples.name AS file, feed_entries.rules AS rules FROM feed_entries
    JOIN samples ON samples.id = sample_id JOIN rulesets ON rulesets.id = ruleset_id
    WHERE feed = 'retro' AND rulesets.name = ? AND rulesets.tenant_id IS NOT NULL`)
  try {
    for (const [number, [what, { text }]] of theirs) {
      const rows = found.all(nameOf(number)) as { file: string; rules: string }[]
      const rules = rows.flatMap(({ file, rules }) => ruleNames(JSON.parse(rules)).map((rule) => `${rule} ${file}`))
      assert.deepEqual(rules.sort(), plain(text, all), what)
    }
  } finally {
    database.close()
  }
})

function ruleNames(rules: { readonly identifier: string }[]): string[] {
  return rules.map(({ identifier }) => identifier)
}

test('what is hunted without the index is told when it is saved, and its neighbours keep their plans', async () => {
  for (const [what, { text, warns, keepsNeighbour }] of entries) {
    if (warns === undefined) continue
    assert.match(warningsOf.get(what)?.join('\n') ?? '', warns, what)
    const { texts } = await ground.appliance.explain([{ name: 'text', content: text }], AbortSignal.timeout(120_000))
    assert.match(texts[0]?.warnings.map(({ message }) => message).join('\n') ?? '', warns, what)
    if (!keepsNeighbour) continue
    const neighbour = texts[0]?.rules.find(({ name }) => name === 'near')
    assert.match(neighbour?.plan ?? '', /^\$a: \d+ grams/, what)
  }
})
