/**
 * SIGKILL while samples arrive: whatever the instant, what was acknowledged is there afterwards, is brought to its end
 * and matched, and nothing is left half done.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { folderWith } from '../cli/running.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { demandConsistency } from './data-folder.ts'
import { KillableServer, sha256, twoWorkers, until } from './killable-server.ts'

const ROUNDS = process.env.BACKTRAIL_LONG === '1' ? 30 : 3
/** After every so manieth round the server is killed once more while it takes up what the kill had left. */
const TWICE = 3
const CLIENTS = 4

const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

/** What was sent, by SHA-256, with the hashes of what is packed in it. */
interface Sent {
  readonly isMarked: boolean
  readonly members: readonly string[]
}

test('every acknowledged upload survives a kill at any moment, is processed and matched, and nothing is left over', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const server = new KillableServer(t, [...twoWorkers, '--archive-timeout', '10s'])
  await server.start()
  await server.demandRuleset('marks', marks)

  const sent = new Map<string, Sent>()
  const acknowledged = new Set<string>()
  const seen = { kills: 0, uploadsCutShort: 0, resumed: 0 }

  /** A content that was never sent before: one in four is an archive, one in two has the words. */
  const freshContent = (): Buffer => {
    const isMarked = random.once(2)
    const words = (marked: boolean) => Buffer.from(marked ? 'the marked words' : 'other words')
    const filling = (most: number) => Buffer.from(random.bytes(1 + random.below(most)))
    const unique = Buffer.from(`upload ${sent.size} of seed ${seed} `)
    if (!random.once(4)) {
      const content = Buffer.concat([unique, filling(60_000), words(isMarked)])
      sent.set(sha256(content), { isMarked, members: [] })
      return content
    }
    const files = Array.from({ length: 1 + random.below(4) }, (_, n) => ({
      name: Buffer.from(`member ${n}`),
      bytes: Buffer.concat([unique, Buffer.from(`${n} `), filling(5_000), words(isMarked)]),
    }))
    const content = storedZip(files)
    for (const { bytes } of files) sent.set(sha256(bytes), { isMarked, members: [] })
    sent.set(sha256(content), { isMarked, members: files.map(({ bytes }) => sha256(bytes)) })
    return content
  }

  const checkRepairs = () => {
    seen.resumed += server.repaired.resumed
    seen.uploadsCutShort += server.repaired.uploadsCutShort
  }

  for (let round = 0; round < ROUNDS; round++) {
    let killing = false
    let answered = 0
    let enough = () => {}
    const wanted = 1 + random.below(20)
    const enoughAnswers = new Promise<void>((resolve) => {
      enough = resolve
    })
    const client = async (): Promise<void> => {
      while (!killing) {
        const content = freshContent()
        try {
          const { status, json } = await server.upload(content, `sample-${sent.size}`)
          assert.equal(status, 201, `seed ${seed}, round ${round}: ${JSON.stringify(json)}`)
        } catch (error) {
          if (killing && !(error instanceof assert.AssertionError)) return
          throw error
        }
        acknowledged.add(sha256(content))
        if (++answered === wanted) enough()
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, client))
    await Promise.race([enoughAnswers, clients])
    await sleep(random.below(60))
    killing = true
    await server.kill()
    seen.kills++
    await clients
    await server.start()
    checkRepairs()
    if (round % TWICE === TWICE - 1) {
      await sleep(random.below(150))
      await server.kill()
      seen.kills++
      await server.start()
      checkRepairs()
    }
  }

  await server.untilProcessed([...acknowledged])
  await server.untilIdle()
  const present = new Set(await server.processedOf([...sent.keys()]))
  const expected = new Set<string>()
  for (const [hash, { isMarked, members }] of sent) {
    if (!present.has(hash)) continue
    assert.equal(await server.downloaded(hash), hash, `seed ${seed}: ${hash} is not what was sent`)
    if (isMarked) expected.add(`marked ${hash}`)
    for (const member of members) {
      assert.ok(present.has(member), `seed ${seed}: ${member} was not unpacked from the processed archive ${hash}`)
    }
  }
  assert.deepEqual(
    await server.matchesOf('marks'),
    [...expected].sort(),
    `seed ${seed}: not exactly the marked samples`,
  )
  await server.stop()
  await demandConsistency(server.data)
  t.diagnostic(
    `${seen.kills} kills; ${sent.size} contents sent, ${acknowledged.size} uploads acknowledged, ${present.size} samples present; ` +
      `${seen.resumed} taken up again, ${seen.uploadsCutShort} cut short`,
  )
  assert.ok(seen.resumed > 0 && seen.uploadsCutShort > 0, 'no kill came in the middle of anything')
})

test('a kill while an archive is unpacked leaves neither 7-Zip nor what it wrote behind, and the archive comes again', async (t) => {
  const folder = folderWith(t, { zeros: '' })
  truncateSync(join(folder, 'zeros'), 200_000_000)
  const archive = join(folder, 'zeros.7z')
  execFileSync(sevenZipBinary(), ['a', '-mx1', archive, join(folder, 'zeros')], { stdio: 'ignore' })
  const server = new KillableServer(t, ['--archive-ratio', '1000000', '--log-level', 'warn'])
  await server.start()
  await server.demandRuleset('zeros', 'rule zeros { condition: filesize == 200000000 and uint32(199999996) == 0 }')
  const hash = await server.take(readFileSync(archive), 'zeros.7z')
  await until(
    () => server.descendants().some(({ command }) => /7zz/.test(command)),
    () => '7-Zip is at work',
    20_000,
  )
  await server.kill()
  await server.start()
  await server.untilProcessed([hash])
  assert.equal((await server.matchesOf('zeros')).length, 1, 'the member was not unpacked and matched')
  await server.stop()
  await demandConsistency(server.data)
})
