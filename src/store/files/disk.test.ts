import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isWhollySynced, realDisk, reportsFailures } from './disk.ts'

async function freshFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-disk-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

/** The search path holds nothing but a `sync` of our own, or nothing. */
async function withProgram(t: TestContext, script: string | null): Promise<string> {
  const folder = await freshFolder(t)
  if (script !== null) {
    await writeFile(join(folder, 'sync'), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, 'sync'), 0o755)
  }
  const before = process.env.PATH
  process.env.PATH = folder
  t.after(() => {
    process.env.PATH = before
  })
  return folder
}

test('a file and a folder are synced, and what is not there is told', async (t) => {
  const folder = await freshFolder(t)
  await writeFile(join(folder, 'file'), 'content')
  await realDisk.sync(join(folder, 'file'))
  await realDisk.sync(folder)
  await assert.rejects(realDisk.sync(join(folder, 'nothing')), { code: 'ENOENT' })
})

test('where that is known to help, a whole file system is synced with the program of the system', async (t) => {
  const folder = await freshFolder(t)
  const isKnown = await isWhollySynced(folder)
  assert.equal(await realDisk.syncAll(folder), isKnown)
  const programs = await withProgram(t, 'echo "$@" > "$0.asked"')
  assert.equal(await realDisk.syncAll(folder), isKnown)
  assert.equal(await readFile(join(programs, 'sync.asked'), 'utf8').catch(() => ''), isKnown ? `-f ${folder}\n` : '')
})

test('a program that fails or is missing is not relied upon', async (t) => {
  const folder = await freshFolder(t)
  await withProgram(t, 'exit 1')
  assert.equal(await realDisk.syncAll(folder), false)
  await withProgram(t, 'kill -9 $$')
  assert.equal(await realDisk.syncAll(folder), false)
  await withProgram(t, null)
  assert.equal(await realDisk.syncAll(folder), false)
})

test('a file system that is not known to be synced as a whole is not', async (t) => {
  const programs = await withProgram(t, 'echo "$@" > "$0.asked"')
  assert.equal(await realDisk.syncAll('/proc'), false)
  await assert.rejects(readFile(join(programs, 'sync.asked')), { code: 'ENOENT' })
})

test('writes that failed are told of since Linux 5.8', () => {
  const releases = ['3.10.0-1160.el7.x86_64', '4.18.0', '5.7.19', '5.8.0-rc1', '5.10.0-28-amd64', '6.1', '10.0.1']
  assert.deepEqual(releases.map(reportsFailures), [false, false, false, true, true, true, true])
})
