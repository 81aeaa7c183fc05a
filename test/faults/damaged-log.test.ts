/**
 * Damage to the log of the database, which a killed server leaves beside it: SQLite takes the first frame that does not fit
 * for the end. Where more was committed behind it, a start refuses; where nobody can know, health tells of the contents
 * whose samples are gone.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { backtrail, folderWith } from '../cli/running.ts'
import { rows } from './data-folder.ts'
import { KillableServer, sha256, until } from './killable-server.ts'
import { processesNaming } from './processes.ts'

const slow = { timeoutMs: 180_000 }
const FRAME = 24 + 4096
const prepared = mkdtempSync(join(tmpdir(), 'backtrail-damaged-log-'))
const rules = join(prepared, 'marks.yar')
const contents = Array.from({ length: 8 }, (_, n) => Buffer.from(`sample number ${n}, the marked words`))
let killed = ''

before(async () => {
  writeFileSync(rules, 'rule marked { strings: $a = "the marked words" condition: $a }')
})
after(() => rmSync(prepared, { recursive: true, force: true }))

/** A copy of the folder of a server that was killed, with its log. The first caller makes the folder. */
async function killedFolder(t: TestContext): Promise<{ data: string; log: string; frames: number }> {
  if (killed === '') {
    const server = new KillableServer(t, [], join(prepared, 'data'))
    await server.start()
    for (const [n, content] of contents.entries()) await server.take(content, `sample-${n}`)
    await server.untilProcessed(contents.map(sha256))
    await server.kill()
    killed = server.data
  }
  const data = join(folderWith(t), 'data')
  cpSync(killed, data, { recursive: true })
  const log = join(data, 'backtrail.db-wal')
  const frames = Math.floor((statSync(log).size - 32) / FRAME)
  assert.ok(frames > 20, `the log has ${frames} frames only`)
  return { data, log, frames }
}

function change(file: string, from: number, length: number): void {
  const bytes = readFileSync(file)
  for (let at = from; at < from + length; at++) bytes[at] = (bytes[at] as number) ^ 0x5a
  writeFileSync(file, bytes)
}

const damages: Readonly<Record<string, (log: string, frames: number) => void>> = {
  'a byte of a page in the middle': (log, frames) => change(log, 32 + (frames >> 1) * FRAME + 1000, 1),
  'the header of a frame in the middle': (log, frames) => change(log, 32 + (frames >> 1) * FRAME, 24),
  'the first frames': (log) => change(log, 32, 3 * FRAME),
  'the header of the log': (log) => change(log, 0, 32),
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a log of which ${what} was changed is refused and stays as it is, and check makes a sound database of the rest`, async (t) => {
    const { data, log, frames } = await killedFolder(t)
    damage(log, frames)
    const bytes = readFileSync(log)
    const { code, stderr } = await backtrail(['serve', '--port', '0', '--data', data], slow)
    assert.equal(code, 1, stderr)
    assert.match(stderr, /backtrail\.db is damaged: .* of its log was changed, .*backtrail check.*backup/)
    assert.doesNotMatch(stderr, /\n {4}at /, 'a stack is no explanation')
    assert.deepEqual(processesNaming(data), [])
    assert.deepEqual(readFileSync(log), bytes, 'the damaged log was changed')

    const { stdout, stderr: report } = await backtrail(['check', '--rebuild', '--data', data], slow)
    assert.match(report, /of its log was changed/)
    const [, kept = assert.fail(stdout + report)] = /the damaged one is kept as (\S+)/.exec(stdout) ?? []
    assert.deepEqual(readFileSync(`${kept}-wal`), bytes, 'the damaged log was not kept')
    const listed = rows(data, 'SELECT lower(hex(sha256)) AS hex FROM samples').map(({ hex }) => hex)
    assert.ok(listed.length < contents.length, 'the damage was to nothing')
    for (const hash of contents.map(sha256)) {
      assert.equal(report.includes(`content ${hash} has no sample`), !listed.includes(hash), `${report}\n${hash}`)
    }
  })
}

test('a log that was cut off is what a power cut leaves: the server starts, and tells of each content without a sample', async (t) => {
  const { data, log, frames } = await killedFolder(t)
  truncateSync(log, 32 + (frames >> 1) * FRAME + 100)
  const server = new KillableServer(t, [], data)
  await server.start()
  const listed = rows(data, 'SELECT id FROM samples').length
  assert.ok(listed < contents.length, 'the damage was to nothing')
  await until(
    async () => (await server.call('GET', '/api/health/')).json.contents?.strays === contents.length - listed,
    () => 'health tells of the contents without a sample',
  )
  for (const [n, content] of contents.entries()) await server.take(content, `sample-${n}`)
  await server.untilProcessed(contents.map(sha256))
  await server.stop()
})
