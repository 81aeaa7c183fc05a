import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FileContents, Scratch } from './index.ts'

async function freshFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-scratch-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

/** A process at work in the folder. */
async function neighbour(t: TestContext, folder: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'scratch.fixture.ts')
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  assert.ok(child.stdout)
  await once(child.stdout, 'data')
  return child
}

const digestOf = (text: string) => createHash('sha256').update(text).digest()

test('what a neighbour is writing stays while it lives, and is cleared away when it was killed', async (t) => {
  const folder = await freshFolder(t)
  const child = await neighbour(t, folder)
  const scratch = await Scratch.open(folder)
  const contents = await FileContents.open(folder, scratch)
  await writeFile(scratch.fresh(), 'our own')
  const recovered: string[] = []
  const recover = async (digests: readonly Uint8Array[]) => {
    recovered.push(...digests.map((digest) => Buffer.from(digest).toString('hex')))
    await contents.recover(digests, async (sha256) => digestOf('two').equals(sha256))
  }
  assert.deepEqual(await scratch.sweep(recover), { files: 0, bytes: 0 })
  assert.deepEqual(recovered, [])
  assert.equal(await contents.size(digestOf('one')), 3)

  child.kill('SIGKILL')
  await once(child, 'close')
  assert.deepEqual(await scratch.sweep(recover), { files: 1, bytes: 'cut short'.length })
  assert.deepEqual(recovered, ['one', 'two'].map((text) => digestOf(text).toString('hex')).sort())
  const sizes = await Promise.all(['one', 'two', 'settled'].map((text) => contents.size(digestOf(text))))
  assert.deepEqual(sizes, [null, 3, 7], 'only the content without a row goes')
  assert.deepEqual(await scratch.sweep(recover), { files: 0, bytes: 0 })
  assert.equal(readdirSync(join(folder, 'scratch')).filter((name) => !name.includes('.db')).length, 1)
  await scratch.close()
  assert.deepEqual(readdirSync(join(folder, 'scratch')), [])
})

test('intents that could not be looked up are there for the next sweep', async (t) => {
  const folder = await freshFolder(t)
  const child = await neighbour(t, folder)
  child.kill('SIGKILL')
  await once(child, 'close')
  const scratch = await Scratch.open(folder)
  const failing = async () => assert.fail('not now')
  await assert.rejects(scratch.sweep(failing), /not now/)
  let pending = 0
  const sweep = () =>
    scratch.sweep(async ({ length }) => {
      pending += length
    })
  assert.equal((await sweep()).files, 1)
  assert.equal(pending, 2)
  await scratch.close()
})

test('intents that are pending when a process closes are found by the next one', async (t) => {
  const folder = await freshFolder(t)
  const first = await Scratch.open(folder)
  const settle = first.recordIntent([digestOf('settled'), digestOf('twice')])
  first.recordIntent([digestOf('pending')])
  settle()
  await first.close()
  const second = await Scratch.open(folder)
  const found: Uint8Array[] = []
  await second.sweep(async (digests) => {
    found.push(...digests)
  })
  assert.deepEqual(
    found.map((digest) => Buffer.from(digest)),
    [digestOf('pending')],
  )
  await second.close()
})

test('what has no record is left alone for a while', async (t) => {
  const folder = await freshFolder(t)
  const scratch = await Scratch.open(folder)
  const strange = join(folder, 'scratch', 'strange')
  writeFileSync(strange, 'x')
  await scratch.sweep(async () => {})
  assert.ok(existsSync(strange))
  utimesSync(strange, 0, 0)
  await scratch.sweep(async () => {})
  assert.ok(!existsSync(strange))
  rmSync(strange, { force: true })
  await scratch.close()
})
