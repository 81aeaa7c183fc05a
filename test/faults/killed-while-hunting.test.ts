/** SIGKILL during a Local Retro: it goes on by itself, and ends with the matches of an undisturbed one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { demandConsistency, rows } from './data-folder.ts'
import { KillableServer, twoWorkers, until } from './killable-server.ts'

const SAMPLES = 40
/** After each kill the server starts anew. */
const HUNTS = process.env.BACKTRAIL_LONG === '1' ? 3 : 1
const KILLS_EACH = 4

/** Takes about a twentieth of a second on each sample, whatever is in it, and matches a third of them. */
const slow = `
rule slow {
  strings: $a = "the marked words"
  condition: for all i in (0..5000000) : ( i >= 0 ) and $a
}`
/** A second ruleset, which the index decides for nearly all samples. */
const quick = 'rule quick { strings: $a = "sample number 7" condition: $a }'

test('a Local Retro that is killed again and again ends by itself, with the matches of an undisturbed one', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const server = new KillableServer(t, twoWorkers)
  await server.start()
  const contents = Array.from({ length: SAMPLES }, (_, n) =>
    Buffer.concat([
      Buffer.from(`sample number ${n} of seed ${seed} ${n % 3 === 0 ? 'the marked words' : 'other words'} `),
      random.bytes(1 + random.below(20_000)),
    ]),
  )
  const hashes = await Promise.all(contents.map((content, n) => server.take(content, `sample-${n}`)))
  await server.untilProcessed(hashes)

  const freshRulesets = async () => {
    for (const [name, text] of Object.entries({ slow, quick })) {
      if ((await server.rulesetStatus(name)) !== undefined) await server.removeRuleset(name)
      await server.demandRuleset(name, text)
      assert.deepEqual(await server.matchesOf(name), [], `${name} is new and matches already`)
    }
  }
  const matches = async () => ({ slow: await server.matchesOf('slow'), quick: await server.matchesOf('quick') })

  await freshRulesets()
  await server.startRetro()
  await server.retroCompleted()
  const undisturbed = await matches()
  assert.equal(undisturbed.slow.length, Math.ceil(SAMPLES / 3))
  assert.ok(undisturbed.quick.length > 0)

  let midway = 0
  for (let hunt = 0; hunt < HUNTS; hunt++) {
    await freshRulesets()
    await server.startRetro()
    let reached = 0
    for (let kill = 0; kill < KILLS_EACH; kill++) {
      // At a moment after some more samples are decided; the first kills also come before any is.
      const wanted = kill === 0 ? 0 : reached + random.below(Math.ceil((SAMPLES - reached) / (KILLS_EACH + 1 - kill)))
      await until(
        async () => (await server.retro()).processed >= wanted,
        () => `${wanted} samples are decided`,
      )
      await sleep(random.below(40))
      await server.kill()
      const [row] = rows(server.data, 'SELECT state, processed FROM hunts ORDER BY id DESC LIMIT 1')
      if (row?.state !== 'completed') midway++
      const before = Number(row?.processed)
      await server.start()
      const { state, processed } = await server.retro()
      assert.ok(state === 'RUNNING' || state === 'COMPLETED' || state === 'STARTING', state)
      assert.ok(processed >= before, `seed ${seed}: it had decided ${before} samples and begins again at ${processed}`)
      reached = processed
    }
    const ended = await server.retroCompleted()
    assert.equal(ended.processed, SAMPLES)
    assert.deepEqual(await matches(), undisturbed, `seed ${seed}, hunt ${hunt}: other matches than undisturbed`)
  }
  assert.ok(midway >= HUNTS, `only ${midway} of ${HUNTS * KILLS_EACH} kills came in the middle of a hunt`)
  t.diagnostic(`${HUNTS * KILLS_EACH} kills, ${midway} of them in the middle of a hunt`)
  await server.stop()
  await demandConsistency(server.data)
})
