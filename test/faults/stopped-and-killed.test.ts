/**
 * Round after round the server is stopped (SIGTERM) or killed (SIGKILL) while uploads, saves, hunts and deletions are
 * under way: it has always ended when the grace and two seconds are over, and what was acknowledged is true afterwards.
 *
 * With BACKTRAIL_LONG=1 these are 300 rounds.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { change, demandConsistency, rows } from './data-folder.ts'
import { type Json, KillableServer, sha256, twoWorkers, until } from './killable-server.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const ROUNDS = isLong ? 300 : 4
const GRACE_MS = 2_000
const PROMISED_MS = GRACE_MS + 2_000
/** For a busy machine to deliver the signal and to notice the end; how many stops needed some of it is reported. */
const NOTICED_MS = 30_000

const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

test('rulesets that change where nobody reports it hold up no sample, and the server still stops', async (t) => {
  const server = new KillableServer(t, twoWorkers)
  await server.start()
  await server.demandRuleset('marks', marks)
  await server.untilProcessed([await server.take(Buffer.from('the marked words, first'), 'first')])
  // As another process on the same database would.
  change(server.data, "UPDATE settings SET value = CAST(value + 1 AS TEXT) WHERE key = 'ruleset-generation'")
  const second = await server.take(Buffer.from('the marked words, second'), 'second')
  await server.untilProcessed([second])
  assert.equal((await server.matchesOf('marks')).length, 2)
  await server.stop()
  await demandConsistency(server.data)
})

test(`in ${ROUNDS} rounds of stops and kills under load nothing acknowledged is lost, and every stop has an end`, async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const server = new KillableServer(t, [...twoWorkers, '--shutdown-grace', `${GRACE_MS}ms`])

  /** Acknowledged and not deleted, and whether it is marked. */
  const samples = new Map<string, boolean>()
  /** Deletions that were asked for and not answered: either way is right. */
  const unsure = new Map<string, boolean>()
  const deleted = new Set<string>()
  /** The texts that a ruleset may have: the acknowledged one first, and then those that were sent and not answered. */
  const rulesets = new Map<string, (string | null)[]>()
  const seen = {
    stops: 0,
    kills: 0,
    forced: 0,
    longestStopMs: 0,
    beyondPromise: 0,
    uploads: 0,
    saves: 0,
    hunts: 0,
    deletions: 0,
  }
  let ending = false
  let sent = 0

  /** True where the connection broke because the server was ending. */
  const brokeOff = async (work: Promise<unknown>): Promise<boolean> => {
    try {
      await work
      return false
    } catch (error) {
      if (ending && !(error instanceof assert.AssertionError)) return true
      throw error
    }
  }
  /** An answer that a server which is stopping may give instead. */
  const isRefusal = ({ status, json }: { status: number; json: Json }) =>
    status === 503 && json?.error === 'service.stopping'

  const uploadOne = async () => {
    const isMarked = random.once(3)
    const filling = Buffer.from(random.bytes(1 + random.below(8_000)))
    const content = Buffer.concat([Buffer.from(`${seed} ${sent++} ${isMarked ? 'the marked words ' : ''}`), filling])
    await brokeOff(
      server.upload(content, `sample-${sent}`).then((answer) => {
        if (isRefusal(answer)) return
        assert.equal(answer.status, 201, JSON.stringify(answer.json))
        samples.set(sha256(content), isMarked)
        seen.uploads++
      }),
    )
  }
  const saveOne = async () => {
    const name = `ruleset-${random.below(5)}`
    const text = `${marks} // ${sent++}`
    rulesets.set(name, [...(rulesets.get(name) ?? [null]), text])
    await brokeOff(
      server.saveRuleset(name, text).then((answer) => {
        if (isRefusal(answer)) return
        assert.equal(answer.status, 200, JSON.stringify(answer.json))
        rulesets.set(name, [text])
        seen.saves++
      }),
    )
  }
  const deleteOne = async () => {
    const [hash] = random.shuffled([...samples.keys()].slice(-40))
    if (hash === undefined) return
    const isMarked = samples.get(hash) as boolean
    samples.delete(hash)
    unsure.set(hash, isMarked)
    await brokeOff(
      server.call('DELETE', `/api/samples/${hash}/`).then((answer) => {
        if (isRefusal(answer)) return
        assert.equal(answer.status, 200, JSON.stringify(answer.json))
        unsure.delete(hash)
        deleted.add(hash)
        seen.deletions++
      }),
    )
  }
  const huntOne = async () => {
    const retro = new URLSearchParams({ operation: random.once(3) ? 'STOP' : 'START' })
    await brokeOff(server.call('POST', '/api/uploads/local-retro-hunt/', retro))
    seen.hunts++
    await sleep(50)
  }
  const inALoop = async (work: () => Promise<void>): Promise<void> => {
    while (!ending) {
      await work()
      // What has nothing to do must not keep the others from it.
      await sleep(5)
    }
  }

  /** What was acknowledged is there, what was deleted is not. `known`: to be looked at. */
  const demandAcknowledged = async (known: readonly string[], round: number) => {
    await server.untilProcessed(known)
    const gone = [...deleted].slice(-50)
    assert.deepEqual(await server.processedOf(gone), [], `seed ${seed}, round ${round}: deleted samples came back`)
    for (const [name, texts] of rulesets) {
      const [row] = rows(
        server.data,
        `SELECT content FROM revisions JOIN rulesets ON revisions.id = revision_id WHERE name = '${name}'`,
      )
      const content = (row?.content ?? null) as string | null
      assert.ok(texts.includes(content), `seed ${seed}, round ${round}: ${name} lost what was saved`)
      rulesets.set(name, [content])
    }
    const present = new Set(await server.processedOf([...unsure.keys()]))
    for (const [hash, isMarked] of unsure) {
      if (present.has(hash)) samples.set(hash, isMarked)
      else deleted.add(hash)
    }
    unsure.clear()
  }

  await server.start()
  await server.demandRuleset('marks', marks)
  for (let round = 0; round < ROUNDS; round++) {
    ending = false
    const before = samples.size
    const work = Promise.all([uploadOne, uploadOne, saveOne, deleteOne, huntOne].map(inALoop))
    const goal = seen.uploads + 2 + random.below(12)
    await Promise.race([
      until(
        () => seen.uploads >= goal,
        () => `${goal} uploads are acknowledged`,
      ),
      work,
    ])
    await sleep(random.below(80))
    ending = true
    if (random.once(3)) {
      await server.kill()
      seen.kills++
    } else {
      const { ms, code, orphans } = await server.terminate()
      seen.stops++
      seen.longestStopMs = Math.max(seen.longestStopMs, Math.round(ms))
      if (code !== 0) seen.forced++
      if (ms > PROMISED_MS) seen.beyondPromise++
      assert.ok(ms < PROMISED_MS + NOTICED_MS, `seed ${seed}, round ${round}: stopping took ${Math.round(ms)} ms`)
      assert.deepEqual(orphans, [], `seed ${seed}, round ${round}: processes were left`)
    }
    await work
    await server.start()
    await demandAcknowledged([...samples.keys()].slice(Math.max(0, before - 20)), round)
    if (isLong && round % 10 === 9) console.log(`seed ${seed}, ${round + 1} rounds: ${JSON.stringify(seen)}`)
  }

  const all = [...samples.keys()]
  for (let at = 0; at < all.length; at += 500) await server.untilProcessed(all.slice(at, at + 500))
  for (const hash of random.shuffled(all).slice(0, 50)) assert.equal(await server.downloaded(hash), hash)
  const marked = all.filter((hash) => samples.get(hash)).map((hash) => `marked ${hash}`)
  const found = new Set(
    rows(
      server.data,
      `SELECT rule || ' ' || lower(hex(sha256)) AS found FROM matches JOIN samples ON samples.id = sample_id
       JOIN rulesets ON rulesets.id = matches.ruleset_id WHERE rulesets.name = 'marks'`,
    ).map((row) => row.found),
  )
  assert.deepEqual(
    marked.filter((match) => !found.has(match)),
    [],
    `seed ${seed}: matches of acknowledged samples are missing`,
  )
  await server.untilIdle()
  await server.stop()
  await demandConsistency(server.data)
  t.diagnostic(JSON.stringify(seen))
})
