import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Selection } from '../../src/hunts/index.ts'
import { HuntingGround, until } from './hunt-fixture.ts'

const isFailure = (code: string) => (error: unknown) => (error as { code?: string }).code === code

let ground: HuntingGround
before(async () => {
  ground = await HuntingGround.open()
  await ground.takeAll(
    new Map<string, string | Buffer>([
      ['hello.txt', 'say hello to the world, said the greeter, and greeted'],
      ['loud.txt', 'SAY HELLO TO THE WORLD, said the shouter, and shouted'],
      ['wide.bin', Buffer.from('nothing here but hello to the world in sixteen bits', 'utf16le')],
      ['other.txt', 'there is nothing of interest in this one, and nobody cares'],
      ...Array.from(
        { length: 60 },
        (_, number) => [`filler-${number}.txt`, `filler number ${number}, `.repeat(9)] as const,
      ),
    ]),
  )
})
after(() => ground.close())

const greeting = 'rule greeting : hi { strings: $a = "hello to the" nocase wide ascii condition: $a }'

/** Takes about a tenth of a second on each sample. */
const slow = 'rule slow { condition: for all i in (0..10000000) : ( i >= 0 ) }'

const create = (content: string, options: { selection?: Selection; useIndex?: boolean } = {}) =>
  ground.appliance.adHocHunts.create(ground.admin, {
    texts: [{ name: 'rules', content }],
    selection: options.selection ?? {},
    useIndex: options.useIndex ?? true,
    title: null,
  })

test('a hunt finds the same with the index as without it, and reads less', async () => {
  const expected = ['greeting hello.txt', 'greeting loud.txt', 'greeting wide.bin']
  assert.deepEqual(await ground.hunt(greeting), expected)
  assert.deepEqual(await ground.hunt(greeting, false), expected)
  const { results } = await ground.appliance.adHocHunts.list(ground.admin, { offset: 0, limit: 2 })
  const [plain, indexed] = results
  assert.equal(plain?.candidates, 64)
  assert.ok((indexed?.candidates ?? 64) < 10, `${indexed?.candidates} candidates with the index`)
  assert.equal(indexed?.processed, 64)
})

test('a hunt with the same rules again scans what matched and what is new, and finds the same', async () => {
  // The index knows that both are there, in some case, and not in which order.
  const rules = 'rule order { strings: $a = "world, said the" $b = "say " condition: @b[1] > @a[1] }'
  const hunted = async () => {
    const found = await ground.hunt(rules)
    const [hunt] = (await ground.appliance.adHocHunts.list(ground.admin, { offset: 0, limit: 1 })).results
    return { found, candidates: hunt?.candidates }
  }
  assert.deepEqual(await hunted(), { found: [], candidates: 2 })
  assert.deepEqual(await hunted(), { found: [], candidates: 0 })
  const late = await ground.take('late.txt', 'world, said the latecomer, who had nothing to say to anybody')
  assert.deepEqual(await hunted(), { found: ['order late.txt'], candidates: 1 })
  assert.deepEqual(await hunted(), { found: ['order late.txt'], candidates: 1 })
  assert.deepEqual(await ground.hunt(rules, false), ['order late.txt'])
  await ground.appliance.samples.delete([late])
})

test('a hit tells the strings with their offset, length and the bytes around', async () => {
  const { id } = await create(greeting, { selection: { namePattern: 'HELLO.*' } })
  await ground.appliance.adHocHunts.settled(id)
  const [hit, ...more] = await ground.appliance.adHocHunts.hits(id, { after: 0, limit: 10 })
  assert.equal(more.length, 0)
  assert.deepEqual(hit?.tags, ['hi'])
  assert.equal(hit?.strings.length, 1)
  const [found] = hit?.strings ?? []
  assert.equal(found?.identifier, '$a')
  assert.equal(found?.offset, 4)
  assert.equal(found?.length, 12)
  assert.equal(found?.start, 4)
  assert.equal(found?.text, 'say hello to the world, said the'.slice(0, 4 + 12 + 16))
  assert.equal(Buffer.from(found?.hex ?? '', 'hex').toString(), found?.text)
})

test('texts of one name have hits of their own', async () => {
  const text = { name: 'rules', content: greeting }
  const { id } = await ground.appliance.adHocHunts.create(ground.admin, {
    texts: [text, text, { ...text, name: 'rules (2)' }],
    selection: { namePattern: 'HELLO.*' },
    useIndex: true,
    title: null,
  })
  await ground.appliance.adHocHunts.settled(id)
  const hits = await ground.appliance.adHocHunts.hits(id, { after: 0, limit: 10 })
  assert.deepEqual(hits.map(({ ruleset }) => ruleset).sort(), ['rules', 'rules (2)', 'rules (2) (2)'])
})

test('a hunt can be restricted to a part of the corpus', async () => {
  const { samples } = ground.appliance
  const hello = await samples.search({ text: 'hello' }, { limit: 1 })
  const [sample] = hello.samples
  assert.ok(sample?.sha256)
  await samples.addTags(sample.sha256, ['greetings'])
  const parts: [Selection, number][] = [
    [{}, 64],
    [{ tags: ['greetings', 'no such tag'] }, 1],
    [{ hashes: [sample.sha1, sample.sha256] }, 1],
    [{ hashes: ['00'.repeat(16)] }, 0],
    [{ namePattern: 'filler-?.txt' }, 10],
    [{ namePattern: '[hello]*' }, 0],
    [{ minSize: 1, maxSize: sample.size }, 0],
    [{ fileTypes: ['Text'] }, 0],
    [{ firstSeenTo: sample.firstSeen - 60_000_000 }, 0],
    [{ firstSeenFrom: sample.firstSeen - 60_000_000 }, 64],
    [{ lastSeenTo: 1 }, 0],
    [{ classifications: [3] }, 0],
    [{ classifications: [0], namePattern: '*.bin' }, 1],
  ]
  for (const [selection, atLeast] of parts) {
    const { id, samples: covered } = await create('rule any_sample { condition: true }', { selection })
    await ground.appliance.adHocHunts.settled(id)
    const hunt = await ground.appliance.adHocHunts.get(id)
    assert.equal(hunt.state, 'completed')
    assert.equal(hunt.matches, covered, JSON.stringify(selection))
    assert.equal(hunt.processed, covered)
    assert.equal((await ground.appliance.adHocHunts.measure(selection)).samples, covered)
    if ('fileTypes' in selection || 'maxSize' in selection) assert.ok(covered > 0, JSON.stringify(selection))
    else assert.equal(covered, atLeast, JSON.stringify(selection))
  }
})

test('rules that do not compile make no hunt; every problem is told with its text and place', async () => {
  await assert.rejects(create('rule broken { condition: $nothing }'), (error) => {
    assert.ok(isFailure('rules.invalid')(error))
    const [diagnostic] = (error as { detail: { diagnostics: { text: string; line: number; column: number }[] } }).detail
      .diagnostics
    assert.equal(diagnostic?.text, 'rules')
    assert.equal(diagnostic?.line, 1)
    assert.equal(diagnostic?.column, 26)
    return true
  })
})

test('following a hunt gives every hit once, and ends with the hunt', async () => {
  const { id } = await create('rule filler { strings: $a = "filler number" condition: $a }')
  const seen: string[] = []
  let state = ''
  for await (const { hunt, hits } of ground.appliance.adHocHunts.follow(id, AbortSignal.timeout(60_000))) {
    seen.push(...hits.map(({ filename }) => filename))
    state = hunt.state
  }
  assert.equal(state, 'completed')
  assert.deepEqual(seen.sort(), Array.from({ length: 60 }, (_, number) => `filler-${number}.txt`).sort())
})

test('a cancelled hunt keeps what it found, and a removed one is gone with its results', async () => {
  const { adHocHunts } = ground.appliance
  const { id } = await create(slow)
  await until(async () => (await adHocHunts.get(id)).matches > 0, 'there are hits')
  const cancelled = await adHocHunts.cancel(ground.admin, id)
  assert.equal(cancelled.state, 'stopped')
  assert.ok(cancelled.processed < cancelled.samples)
  assert.equal((await adHocHunts.hits(id, { after: 0, limit: 1_000 })).length, cancelled.matches)
  await assert.rejects(adHocHunts.cancel(ground.admin, id), isFailure('hunt.wrong-state'))
  await adHocHunts.remove(ground.admin, id)
  await assert.rejects(adHocHunts.get(id), isFailure('hunt.not-found'))
})

test('a hunt that runs can be removed', async () => {
  const { adHocHunts } = ground.appliance
  const { id } = await create(slow)
  await until(async () => (await adHocHunts.get(id)).state === 'running', 'it runs')
  await adHocHunts.remove(ground.admin, id)
  await assert.rejects(adHocHunts.get(id), isFailure('hunt.not-found'))
  assert.equal(adHocHunts.unfinished, 0)
})

test('only its owner and administrators may cancel or remove a hunt, and everybody may read it', async () => {
  const { adHocHunts, accounts } = ground.appliance
  const ana = await accounts.users.add({ name: 'ana', password: 'correct horse battery', role: 'user' })
  const { id } = await create(greeting)
  await adHocHunts.settled(id)
  assert.equal((await adHocHunts.get(id)).user, ground.admin.name)
  await assert.rejects(adHocHunts.remove(ana, id), isFailure('right.missing'))
  await assert.rejects(adHocHunts.cancel(ana, id), isFailure('right.missing'))
  assert.equal((await adHocHunts.list(ana, { offset: 0, limit: 10 })).count, 0)
})

test('long hunts of one user do not hold up the short one of another', async () => {
  const { adHocHunts, accounts } = ground.appliance
  const ben = await accounts.users.add({ name: 'ben', password: 'correct horse battery', role: 'user' })
  const slower = slow.replace('10000000', '40000000')
  const long = await Promise.all([create(slower), create(slower), create(slower)])
  const short = await adHocHunts.create(ben, {
    texts: [{ name: 'rules', content: greeting }],
    selection: {},
    useIndex: true,
    title: null,
  })
  await adHocHunts.settled(short.id)
  assert.equal((await adHocHunts.get(short.id)).state, 'completed')
  const states = await Promise.all(long.map(async ({ id }) => (await adHocHunts.get(id)).state))
  assert.ok(
    states.every((state) => state !== 'completed'),
    `the long hunts were over first: ${states}`,
  )
  for (const { id } of long) await adHocHunts.remove(ground.admin, id)
})

test('a hunt goes on after a restart, without losing or doubling a hit', async () => {
  const { id } = await create(slow)
  await until(async () => (await ground.appliance.adHocHunts.get(id)).matches > 0, 'there are hits')
  const before = (await ground.appliance.adHocHunts.get(id)).matches
  await ground.reopen()
  const { adHocHunts } = ground.appliance
  assert.ok((await adHocHunts.get(id)).matches >= before)
  await adHocHunts.settled(id)
  const hunt = await adHocHunts.get(id)
  assert.equal(hunt.state, 'completed')
  assert.equal(hunt.matches, 64)
  const hits = await adHocHunts.hits(id, { after: 0, limit: 1_000 })
  assert.equal(new Set(hits.map(({ sha256 }) => sha256)).size, 64)
})

test('a deleted sample is in no result any more', async () => {
  const { samples } = ground.appliance
  const [sample] = (await samples.search({ text: 'loud.txt' }, { limit: 1 })).samples
  assert.ok(sample?.sha256)
  await samples.delete([sample.sha256])
  assert.deepEqual(await ground.hunt(greeting), ['greeting hello.txt', 'greeting wide.bin'])
})

test('explain tells what each rule would read, and why a string cannot use the index', async () => {
  const { corpus, texts } = await ground.appliance.explain(
    [{ name: 'rules', content: `${greeting} rule short { strings: $b = "abc" condition: $b }` }],
    AbortSignal.timeout(60_000),
  )
  assert.equal(corpus.samples, 63)
  const [text] = texts
  const [indexed, short] = text?.rules ?? []
  assert.ok((indexed?.expected.samples ?? 63) < 10, `${indexed?.expected.samples} samples for an indexed rule`)
  assert.match(indexed?.plan ?? '', /\$a/)
  assert.equal(short?.expected.samples, 63)
  assert.equal(short?.expected.bytes, corpus.bytes)
  assert.deepEqual(
    short?.unindexable.map(({ identifier }) => identifier),
    ['$b'],
  )
  assert.equal(text?.expected.samples, 63)
})

test('rules that never end are stopped on a few samples, told, and do not keep the hunt from its end', async () => {
  const endless = 'rule endless { condition: filename != "" and for all i in (0..9000000000) : ( i >= 0 ) }'
  const { adHocHunts } = ground.appliance
  const { id } = await adHocHunts.create(ground.admin, {
    texts: [
      { name: 'endless', content: endless },
      { name: 'greeting', content: greeting },
    ],
    selection: {},
    useIndex: true,
    title: null,
  })
  await adHocHunts.settled(id)
  const hunt = await adHocHunts.get(id)
  assert.equal(hunt.state, 'completed')
  assert.match(hunt.failure ?? '', /^endless was stopped: /)
  const hits = await adHocHunts.hits(id, { after: 0, limit: 100 })
  assert.deepEqual(hits.map(({ rule, filename }) => `${rule} ${filename}`).sort(), [
    'greeting hello.txt',
    'greeting wide.bin',
  ])
})
