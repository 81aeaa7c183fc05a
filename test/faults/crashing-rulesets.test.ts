/**
 * Rulesets that end their worker, or never end, among healthy ones: the healthy ones find what a plain scan finds, and
 * stay active. What the others do depends on the sample, so that they pass the trial of a text when it is saved, or they
 * were stored by a version that had no such trial.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { tcaPath } from '../../src/tca/index.ts'
import { findingsOf, nowSeconds, startCloud, Tenant } from '../cloud/tenant.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { change } from './data-folder.ts'
import { KillableServer, sha256, twoWorkers, until } from './killable-server.ts'

/** Holds on samples that begin with "trou". */
const trouble = 'uint32be(0) == 0x74726f75 and'
const smallest = '(filesize - filesize + ~9223372036854775807)'

/** What passes the trial. */
const crashing: Readonly<Record<string, string>> = {
  overflow0: `rule overflow0 { condition: ${trouble} (${smallest} \\ -1) != 0 }`,
  overflow1: `rule overflow1 { condition: ${trouble} (${smallest} \\ -1) != 1 }`,
  endless: `rule endless { condition: ${trouble} for all i in (0..9000000000) : ( i >= 0 ) }`,
}
/** What is refused today. */
const refused: Readonly<Record<string, string>> = {
  compile: 'import "macho" rule compile { condition: macho.segments[1].filesize == 4096 }',
}
const healthy: Readonly<Record<string, string>> = {
  always: 'rule always { condition: filesize > 0 }',
  said: 'rule said { strings: $ = "the word" condition: any of them }',
  troubled: `rule troubled { condition: ${trouble} filesize > 4 }`,
  module: 'import "pe" rule module { condition: not pe.is_pe }',
}
const holds: Readonly<Record<string, (content: string) => boolean>> = {
  always: () => true,
  said: (content) => content.includes('the word'),
  troubled: (content) => content.startsWith('trou'),
  module: () => true,
}

/** What never ends is run for so long on each sample. */
const SCAN = '1s'
const isLong = process.env.BACKTRAIL_LONG === '1'

const sha1 = (content: string) => createHash('sha1').update(content).digest('hex')

/** Each trouble costs every crashing ruleset a worker or two, and a worker takes its time to start. */
const contents = (from: string, troubles: number, random: Random) =>
  random.shuffled([
    `calm ${from}, the word`,
    ...Array.from({ length: troubles }, (_, n) => `trouble ${n} ${from}${n % 2 === 0 ? ', the word' : ''}`),
  ])

const expected = (name: string, samples: readonly string[]) =>
  samples
    .filter((content) => holds[name]?.(content))
    .map((content) => `${name} ${sha256(content)}`)
    .sort()

async function takeAll(server: KillableServer, samples: readonly string[]): Promise<void> {
  const hashes = await Promise.all(samples.map((content, n) => server.take(Buffer.from(content), `sample-${n}`)))
  await server.untilProcessed(hashes, 600_000)
}

async function demandHealth(server: KillableServer, samples: readonly string[], where: string): Promise<void> {
  for (const name of Object.keys(healthy)) {
    assert.deepEqual(await server.matchesOf(name), expected(name, samples), `${name}, ${where}`)
    assert.equal(await server.rulesetStatus(name), 'active', `${name}, ${where}`)
  }
}

function seeded(t: TestContext): Random {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  return randomFrom(seed)
}

test('rulesets that end their worker cost healthy ones nothing: arriving samples, Local Retro, ad-hoc hunts', async (t) => {
  const random = seeded(t)
  const server = new KillableServer(t, [...twoWorkers, '--scan-timeout', SCAN])
  await server.start()
  const early = contents('early', 1, random)
  await takeAll(server, early)
  const stored = random.shuffled([...Object.keys(healthy), ...Object.keys(crashing), ...Object.keys(refused)])
  const where = stored.join(' ')
  for (const name of stored) {
    const content = healthy[name] ?? crashing[name] ?? `rule ${name} { condition: filesize >= 0 }`
    await server.demandRuleset(name, content)
  }
  await server.stop()
  // As a version that only looked whether a text compiles would have stored them.
  for (const [name, content] of Object.entries(refused)) {
    const text = content.replaceAll("'", "''")
    const ruleset = `(SELECT id FROM rulesets WHERE name = '${name}')`
    change(server.data, `UPDATE revisions SET content = '${text}' WHERE ruleset_id = ${ruleset}`)
  }
  await server.start()

  const late = contents('late', isLong ? 2 : 1, random)
  await takeAll(server, late)
  await demandHealth(server, late, `arriving samples, ${where}`)

  for (const name of random.shuffled([...Object.keys(crashing), ...Object.keys(refused)])) {
    if ((await server.rulesetStatus(name)) === 'active') continue
    await server.call('POST', '/api/yara/ruleset/enable/', new URLSearchParams({ name }))
  }
  await server.startRetro()
  await server.retroCompleted(600_000)
  await demandHealth(server, [...early, ...late], `Local Retro, ${where}`)

  const names = random.shuffled([...Object.keys(healthy), ...Object.keys(crashing)])
  const texts = Object.fromEntries(names.map((name) => [name, { ...healthy, ...crashing }[name] ?? '']))
  const id = await server.startHunt(texts)
  await until(
    async () => !/queued|running/.test((await server.hunt(id)).state),
    () => `the hunt ends: ${names.join(' ')}`,
    600_000,
  )
  const hunt = await server.hunt(id)
  assert.equal(hunt.state, 'completed', JSON.stringify(hunt))
  const { json } = await server.call('GET', `/api/hunts/${id}/results/?limit=1000`)
  for (const name of Object.keys(healthy)) {
    const found = json.results
      .filter(({ ruleset }: { ruleset: string }) => ruleset === name)
      .map(({ rule, sha256 }: { rule: string; sha256: string }) => `${rule} ${sha256}`)
    assert.deepEqual(found.sort(), expected(name, [...early, ...late]), `${name}, hunt, ${names.join(' ')}`)
  }
  for (const name of Object.keys(healthy)) assert.doesNotMatch(hunt.failure ?? '', new RegExp(`${name} was stopped`))
  await server.stop()
})

test('a tenant whose rulesets end their worker costs other tenants nothing, live and in retro hunts', async (t) => {
  const random = seeded(t)
  const cloud = await startCloud(t, [...twoWorkers, '--scan-timeout', SCAN])
  const begin = nowSeconds()
  const early = contents('early', 1, random)
  await takeAll(cloud, early)
  const [hostile, other] = [await Tenant.add(cloud, 'hostile'), await Tenant.add(cloud, 'other')]
  for (const name of random.shuffled([...Object.keys(healthy), ...Object.keys(crashing)])) {
    const text = healthy[name] ?? crashing[name] ?? ''
    await (name in healthy ? other : hostile).create(name, text)
  }
  const late = contents('late', isLong ? 2 : 1, random)
  await takeAll(cloud, late)
  // Refused for those that were suspended meanwhile.
  for (const name of Object.keys(crashing))
    await hostile.send('POST', tcaPath('startRetro', {}), { ruleset_name: name })
  const names = Object.keys(healthy)
  for (const name of names) await other.startRetro(name)
  for (const name of names) await other.retroEnded(name)
  const live = findingsOf(await other.feed('live', begin))
  const retro = findingsOf(await other.feed('retro', begin))
  const all = (samples: readonly string[]) =>
    names
      .flatMap((name) =>
        samples.filter((content) => holds[name]?.(content)).map((content) => `${name} ${sha1(content)} ${name}`),
      )
      .sort()
  assert.deepEqual(live, all(late))
  assert.deepEqual(retro, all([...early, ...late]))
  await cloud.stop()
})

test('what cannot be run is refused when it is saved and when it is hunted with, and what is accepted runs', async (t) => {
  const server = new KillableServer(t, [...twoWorkers, '--scan-timeout', '1s', '--compile-timeout', '4s'])
  await server.start()
  await takeAll(server, ['a calm sample', 'another'])
  const terms = (count: number) =>
    Array.from({ length: count }, (_, n) => `filesize > 0x${n.toString(16)}`).join(' and ')
  const cases: readonly (readonly [name: string, content: string, isRefused: boolean | null])[] = [
    ['panic', refused.compile ?? '', true],
    [
      'panic-in-loop',
      'import "macho" rule a { condition: for any i in (0..3) : ( macho.segments[1].filesize == i ) }',
      true,
    ],
    ['regexp', 'rule t { condition: "abc" matches /([a-z]{2000}){1000}/ }', true],
    ['overflow', `rule o { condition: (${smallest} \\ -1) != 0 }`, true],
    ['endless', 'rule e { condition: for all i in (0..9000000000) : ( i >= 0 ) }', true],
    // Which it is depends on the machine; either is right, as long as what is accepted runs.
    ...(isLong ? ([['terms-50000', `rule t { condition: ${terms(50_000)} }`, null]] as const) : []),
    ['terms-5000', `rule t { condition: ${terms(5_000)} }`, null],
  ]
  for (const [name, content, isRefused] of cases) {
    const saved = await server.saveRuleset(name, content)
    const wasRefused = saved.status !== 200
    if (isRefused !== null) assert.equal(wasRefused, isRefused, `${name}: ${JSON.stringify(saved.json)}`)
    if (wasRefused)
      assert.match(JSON.stringify(saved.json), /"(?:compile|trial)-(?:crash|timeout|memory)"|too deep/, name)
    // A hunt asks the same checker; a crash and a rule without an end stand for the others.
    if (isRefused !== null && name !== 'panic' && name !== 'endless') continue
    const { status, json } = await server.call('POST', '/api/hunts/', { rules: [{ name, content }] })
    if (isRefused === true) assert.equal(status, 400, `${name}: ${JSON.stringify(json)}`)
    if (status !== 201) continue
    await until(
      async () => !/queued|running/.test((await server.hunt(json.id)).state),
      () => `the hunt with ${name} ends`,
      600_000,
    )
    const hunt = await server.hunt(json.id)
    assert.deepEqual([hunt.state, hunt.failure], ['completed', null], name)
  }
  // Nothing of all that reached the processes that scan.
  const lost = server.logged.filter(({ msg }) => msg === 'A worker process was lost')
  assert.deepEqual(lost, [])
  await server.stop()
})
