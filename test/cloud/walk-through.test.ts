/**
 * Walks through docs/cloud.md with two real servers: a cloud, and an appliance that has a part of its files.
 *
 * They are programs of this machine. With BACKTRAIL_LONG=1 they are the 2,000 MB that the page speaks of, which the
 * benchmarks keep in BACKTRAIL_BENCH_DIR; that takes some minutes, most of them to take the files in.
 */
import assert from 'node:assert/strict'
import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { systemFilesFolder } from '../../bench/corpus.ts'
import { folderWith, root } from '../cli/running.ts'
import { stepsOf, takeSteps } from '../shown-commands.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const timeout = isLong ? 40 * 60_000 : 5 * 60_000

const programs = '/usr/bin'
const PROGRAM_BYTES = 1_000_000
const ALL_PROGRAMS_BYTES = 20_000_000
/** Of every so many files of the collection the appliance has one. */
const SHARE = 4

test('an appliance and a cloud do what docs/cloud.md shows', { timeout }, async (t) => {
  const folder = folderWith(t)
  const collection = join(folder, 'collection')
  mkdirSync(join(collection, 'ours'), { recursive: true })
  const from = isLong ? systemFilesFolder(2_000) : programs
  const names = isLong ? readdirSync(from) : someOf(programs)
  for (const [place, name] of names.entries()) {
    const to = join(collection, place % SHARE === 0 ? 'ours' : '', name)
    // The large collection is kept anyway, and nobody writes into it.
    if (isLong) linkSync(join(from, name), to)
    else copyFileSync(join(from, name), to)
  }
  const token = 'token-of-the-walk'
  const env = {
    BACKTRAIL_ADMIN_TOKEN: token,
    BACKTRAIL_TOKEN: token,
    CLOUD_TOKEN: token,
    BACKTRAIL_CLOUD_POLL: '1s',
    BACKTRAIL_WORKERS: '1',
  }
  const steps = stepsOf(readFileSync(join(root, 'docs/cloud.md'), 'utf8'))
  const { servers, printed } = await takeSteps(t, steps, { folder, env })

  const counts = steps.flatMap(({ command }, i) =>
    command.includes('/ruleset/matches/') ? [(JSON.parse(printed[i] ?? '') as { count: number }).count] : [],
  )
  assert.equal(counts.length, 5, 'the page counts the matches after each step')
  const [local = 0, live = 0, hunted = 0, cleared = 0, fetchedAgain = 0] = counts
  assert.ok(local > 0, 'the appliance has matches of its own')
  assert.equal(live, local + 1, 'one sample arrived in the cloud')
  assert.ok(hunted - live > local, 'the cloud has more than the appliance')
  assert.equal(cleared, live, 'clearing leaves what the hunt did not find')
  assert.equal(fetchedAgain, cleared)

  const [, appliance] = [...servers.values()]
  assert.ok(appliance)
  const asked = async (path: string) => {
    const answer = await fetch(`${appliance.url}${path}`, { headers: { authorization: `Token ${token}` } })
    return answer.json() as Promise<{ detail: { time: string }; results: { sha1: string; cloud: boolean }[] }>
  }
  // Fetched again up to now, there is still nothing double, and what was cleared does not come back.
  const begin = Date.now()
  while (Date.parse((await asked('/api/yara/ticloud/time/')).detail.time) < begin) await pause(100)
  const { results } = await asked('/api/yara/v2/ruleset/matches/?name=uses_glibc')
  assert.equal(results.length, live)
  assert.equal(new Set(results.map(({ sha1, cloud }) => `${sha1} ${cloud}`)).size, live)
  assert.equal(results.filter(({ cloud }) => cloud).length, 1)
  for (const server of servers.values()) assert.equal(await server.stop(), 0)
})

/** Names of files that are not large, up to a size together. */
function someOf(folder: string): string[] {
  let bytes = 0
  return readdirSync(folder)
    .sort()
    .filter((name) => {
      const file = lstatSync(join(folder, name))
      if (!file.isFile() || file.size > PROGRAM_BYTES || bytes + file.size > ALL_PROGRAMS_BYTES) return false
      bytes += file.size
      return true
    })
}
