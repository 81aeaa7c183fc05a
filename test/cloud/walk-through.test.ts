/**
 * Walks through docs/cloud.md with two real servers: a cloud, and an appliance that has a part of its files.
 * BACKTRAIL_LONG=1 takes the 2,000 MB of files that the page speaks of; otherwise there are fewer.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { folderWith, root } from '../cli/running.ts'
import { stepsOf, takeSteps } from '../shown-commands.ts'

const systemFiles = fileURLToPath(new URL('../../../shared/corpus/system-files', import.meta.url))
const skip =
  !existsSync(systemFiles) &&
  process.env.BACKTRAIL_NO_SKIPS !== '1' &&
  'there is no ../shared/corpus to take files from'
const megabytes = process.env.BACKTRAIL_LONG === '1' ? 2_000 : 120
/** Of every so many files of the collection the appliance has one. */
const SHARE = 4

test('an appliance and a cloud do what docs/cloud.md shows', { skip, timeout: 900_000 }, async (t) => {
  const folder = folderWith(t)
  makeCollection(join(folder, 'collection'))
  const token = 'token-of-the-walk'
  const env = {
    BACKTRAIL_ADMIN_TOKEN: token,
    BACKTRAIL_TOKEN: token,
    CLOUD_TOKEN: token,
    BACKTRAIL_CLOUD_POLL: '1s',
    BACKTRAIL_WORKERS: '2',
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

function makeCollection(folder: string): void {
  execFileSync(systemFiles, [folder, String(megabytes)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const files = readdirSync(folder).sort()
  mkdirSync(join(folder, 'ours'))
  for (const [i, file] of files.entries()) {
    if (i % SHARE === 0) copyFileSync(join(folder, file), join(folder, 'ours', file))
  }
}
