import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrailTo, binary, folderWith } from './running.ts'

const samples = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`in/${number}.txt`, `sample ${number}\n`.repeat(500)]),
  )

test('a terminal is shown the share done and the rate while samples are taken in; a pipe is not', async (t) => {
  const folder = folderWith(t, samples(300))
  const command = `${binary} ingest ${join(folder, 'in')} --data ${join(folder, 'data')}`
  const shown = await backtrailTo(0, ['-qec', command, '/dev/null'], { command: 'script' })
  assert.match(shown.stdout, /█+░* \d+ % {2}\d+ files?, [\d.]+ [KM]?B(?:ytes)?\/s/)
  assert.match(shown.stdout, /100 % {2}300 files/)
  assert.match(shown.stdout, /300 files taken in; 1\.\d MB in /)
  const piped = await backtrailTo(0, ['ingest', join(folder, 'in'), '--data', join(folder, 'data')])
  assert.match(piped.stderr, /^300 files taken in, 300 of them known already; [^\n]+\n$/)
})

test('an interrupted ingest ends with 130 and keeps what it stored; the next one brings the rest', async (t) => {
  const count = 3_000
  const folder = folderWith(t, samples(count))
  const parameters = ['ingest', join(folder, 'in'), '--json', '--data', join(folder, 'data')]
  const child = spawn(binary, parameters, {
    env: { ...process.env, BACKTRAIL_WORKERS: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.stdout.resume()
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'close'), [130, null])

  const { stdout } = await backtrailTo(0, parameters)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(lines.length, count)
  assert.ok(
    lines.some(({ known }) => known),
    'nothing was kept',
  )
  const stats = await backtrailTo(0, ['index', 'stats', '--json', '--data', join(folder, 'data')])
  assert.equal(JSON.parse(stats.stdout).samples, count)
})
