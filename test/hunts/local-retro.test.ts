import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { HuntingGround, until } from './hunt-fixture.ts'

const isFailure = (code: string) => (error: unknown) => (error as { code?: string }).code === code

let ground: HuntingGround
before(async () => {
  ground = await HuntingGround.open()
  await ground.takeAll(contents)
})
after(() => ground.close())

/** 120 samples: every third says "needle", every fifth starts with MZ, and all are padded with what looks random. */
const contents = new Map(
  Array.from({ length: 120 }, (_, number) => {
    const head = number % 5 === 0 ? 'MZ' : 'xx'
    const word = number % 3 === 0 ? 'a needle in a haystack' : 'only hay'
    const padding = createHash('sha512')
      .update(`sample ${number}`)
      .digest('base64')
      .repeat(20 + number)
    return [`sample-${String(number).padStart(3, '0')}`, `${head} ${word} ${padding}`] as const
  }),
)

const names = (holds: (number: number) => boolean) =>
  [...contents.keys()].filter((_, number) => holds(number)).map((name) => name)

const needles = `
rule needle { strings: $a = "needle in a haystack" condition: $a }
rule program { strings: $a = "needle in a" condition: uint16(0) == 0x5a4d and $a }`

/** Takes about a tenth of a second on each sample, and matches those that start with MZ. */
const slow = 'rule slow { condition: for all i in (0..10000000) : ( i >= 0 ) and uint16(0) == 0x5a4d }'

async function retro(): Promise<void> {
  await ground.appliance.localRetro.start(ground.admin)
  await ground.appliance.localRetro.idle()
}

test('before the first run there is no status, and nothing to stop', async () => {
  assert.equal(await ground.appliance.localRetro.status(), null)
  await assert.rejects(ground.appliance.localRetro.stop(ground.admin), isFailure('retro.wrong-state'))
})

test('it finds in stored samples what a ruleset saved later asks for, and nothing else', async () => {
  await ground.save('needles', needles)
  assert.deepEqual(await ground.matchesOf('needles'), [])
  await retro()
  const expected = [
    ...names((number) => number % 3 === 0).map((name) => `needle ${name}`),
    ...names((number) => number % 15 === 0).map((name) => `program ${name}`),
  ]
  assert.deepEqual(await ground.matchesOf('needles'), expected.sort())
  const status = await ground.appliance.localRetro.status()
  assert.equal(status?.state, 'COMPLETED')
  assert.equal(status?.samples, contents.size)
  assert.equal(status?.processed, contents.size)
  assert.ok(
    status && status.candidates < contents.size,
    `the index ruled nothing out: ${status?.candidates} candidates`,
  )
})

test('running it again changes no match', async () => {
  const matches = await ground.matchesOf('needles')
  await retro()
  assert.deepEqual(await ground.matchesOf('needles'), matches)
  const status = await ground.appliance.localRetro.status()
  assert.equal(status?.history.length, 2)
  assert.ok((status?.history[0]?.started ?? 0) > (status?.history[1]?.started ?? 0), 'the history is newest first')
})

test('a disabled ruleset keeps its matches and gets no new ones', async () => {
  const { rulesets, localRetro } = ground.appliance
  await ground.save('disabled', 'rule hay { strings: $a = "only hay" condition: $a }')
  await rulesets.setEnabled(ground.admin, 'disabled', false)
  const kept = await ground.matchesOf('needles')
  await rulesets.setEnabled(ground.admin, 'needles', false)
  await localRetro.start(ground.admin)
  await localRetro.idle()
  assert.deepEqual(await ground.matchesOf('disabled'), [])
  assert.deepEqual(await ground.matchesOf('needles'), kept)
  await rulesets.remove(ground.admin, 'disabled')
})

test('only one runs at a time, and stopping it keeps what was found so far', async () => {
  const { localRetro, rulesets } = ground.appliance
  await ground.save('slow', slow)
  await localRetro.start(ground.admin)
  await assert.rejects(localRetro.start(ground.admin), isFailure('retro.wrong-state'))
  await until(async () => ((await localRetro.status())?.processed ?? 0) > 0, 'the progress moves')
  await localRetro.stop(ground.admin)
  const status = await localRetro.status()
  assert.equal(status?.state, 'STOPPED')
  assert.equal(status?.stoppedBy, ground.admin.name)
  assert.ok((status?.processed ?? 0) < contents.size, 'it was over before it was stopped')
  await assert.rejects(localRetro.stop(ground.admin), isFailure('retro.wrong-state'))
  await rulesets.remove(ground.admin, 'slow')
})

test('a hunt goes on after a restart, stores nothing once another process has claimed it, and ends where it is resumed', {
  timeout: 120_000,
}, async () => {
  await ground.save('slow', slow)
  // As where the lists of earlier runs are long: closing does not wait until they are gone.
  ground.appliance.matches.forgetOldRuns = (signal) =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
  await ground.appliance.localRetro.start(ground.admin)
  await until(async () => ((await ground.appliance.localRetro.status())?.processed ?? 0) > 0, 'the progress moves')
  const interrupted = (await ground.appliance.localRetro.status())?.processed ?? 0
  assert.ok(interrupted < contents.size, 'it was over before it was interrupted')
  await ground.reopen()
  assert.equal((await ground.appliance.localRetro.status())?.state, 'RUNNING')
  assert.ok(((await ground.appliance.localRetro.status())?.processed ?? 0) >= interrupted, 'it began anew')

  await until(() => rowOf('SELECT 1 FROM hunts WHERE state = ?', 'running') !== undefined, 'its turn has come')
  const claimed = rowOf('UPDATE hunts SET fence = fence + 1 WHERE state = ? RETURNING *', 'running')
  assert.ok(Number(claimed?.processed) < contents.size, 'it was over before it was claimed')
  const found = await ground.matchesOf('slow')
  await ground.appliance.localRetro.idle()
  assert.deepEqual(rowOf('SELECT * FROM hunts WHERE id = ?', Number(claimed?.id)), claimed)
  assert.deepEqual(await ground.matchesOf('slow'), found)

  assert.equal(await ground.appliance.localRetro.resume(), 1)
  await ground.appliance.localRetro.idle()
  assert.equal((await ground.appliance.localRetro.status())?.state, 'COMPLETED')
  const expected = names((number) => number % 5 === 0).map((name) => `slow ${name}`)
  assert.deepEqual(await ground.matchesOf('slow'), expected.sort())
  await ground.appliance.rulesets.remove(ground.admin, 'slow')
})

test('a damaged segment is told, its samples are scanned all the same, and it is rebuilt', async () => {
  await ground.appliance.segments.settled()
  await ground.appliance.rulesets.setEnabled(ground.admin, 'needles', true)
  // The workers have the segments open, and found them right, when the damage is done.
  for (let round = 0; round < 6; round++) await retro()
  const folder = join(ground.dataFolder, 'index')
  const [largest] = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size)
  assert.ok(largest, 'there is no segment file')
  for (let position = 64; position < statSync(largest).size; position += 128) flipByte(largest, position)
  // With another plan: what a segment has answered once, it is not asked again.
  await ground.save('again', needles.replaceAll('needle in a', 'eedle in a'))
  const reported = ground.logged.length
  await retro()
  assert.deepEqual(await ground.matchesOf('again'), await ground.matchesOf('needles'))
  assert.ok(
    ground.logged.slice(reported).some((line) => /damage/i.test(line)),
    'nothing was said of the damage',
  )
  await until(async () => {
    const { unindexed, damaged } = await ground.appliance.segments.stats()
    return damaged === 0 && unindexed.samples === 0
  }, 'the segment is rebuilt')
})

test('samples that arrive and rulesets that are saved while it runs leave no gap', async () => {
  const { localRetro } = ground.appliance
  const late = new Map(
    Array.from({ length: 60 }, (_, number) => [`late-${number}`, `the latecomer word ${'z'.repeat(number)}`]),
  )
  const arriving = ground.takeAll(late)
  const running: Promise<void>[] = []
  for (let number = 0; number < 5; number++) {
    await ground.save(`gap-${number}`, `rule late_${number} { strings: $a = "latecomer word" condition: $a }`)
    await localRetro.idle()
    await localRetro.start(ground.admin)
    running.push(localRetro.idle())
  }
  await Promise.all([arriving, ...running])
  for (let number = 0; number < 5; number++) {
    const expected = [...late.keys()].map((name) => `late_${number} ${name}`)
    assert.deepEqual(await ground.matchesOf(`gap-${number}`), expected.sort())
  }
})

/** The first row of a statement that another process runs on the database. */
function rowOf(statement: string, value: SQLInputValue): Record<string, unknown> | undefined {
  const database = new DatabaseSync(join(ground.dataFolder, 'backtrail.db'), { timeout: 10_000 })
  try {
    return database.prepare(statement).get(value)
  } finally {
    database.close()
  }
}

function flipByte(path: string, position: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, position)
  byte[0] = (byte[0] ?? 0) ^ 0x55
  writeSync(file, byte, 0, 1, position)
  closeSync(file)
}
