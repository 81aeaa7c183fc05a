import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lockDataFolder } from './data-folder.ts'
import { makePrivate } from './private.ts'

const root = mkdtempSync(join(tmpdir(), 'backtrail-lock-'))
after(() => rmSync(root, { recursive: true }))

/** A process of its own that holds the folder and has announced an address. */
async function holder(folder: string): Promise<ChildProcess> {
  const script = `
    import { lockDataFolder } from ${JSON.stringify(new URL('data-folder.ts', import.meta.url).href)}
    // Kept: a lock that nobody holds on to is collected as garbage, and with it let go.
    globalThis.lock = lockDataFolder(${JSON.stringify(folder)})
    globalThis.lock.announce('http://127.0.0.1:8080')
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test('a folder that another process holds is refused, with its process id and address', async () => {
  const folder = join(root, 'other')
  const child = await holder(folder)
  assert.throws(() => lockDataFolder(folder), {
    code: 'data-folder.locked',
    message: new RegExp(`locked by the server at http://127\\.0\\.0\\.1:8080 \\(process ${child.pid}\\)`),
    detail: { folder, pid: child.pid, url: 'http://127.0.0.1:8080' },
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test('the lock of an owner that was killed is free at once', async () => {
  const folder = join(root, 'killed')
  const child = await holder(folder)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(existsSync(join(folder, 'owner.json')), 'the killed owner could not tidy up')
  lockDataFolder(folder).release()
})

test('the same process cannot take a folder twice, and can after releasing it', () => {
  const folder = join(root, 'same')
  const lock = lockDataFolder(folder)
  assert.throws(() => lockDataFolder(folder), {
    code: 'data-folder.locked',
    detail: { folder, pid: process.pid, url: null },
  })
  lock.release()
  lock.release()
  const again = lockDataFolder(folder)
  again.release()
})

test('others lose their rights to the folder of a server or a node of a cluster, but not to one that holds other things', () => {
  const folder = join(root, 'of-a-cluster')
  for (const name of ['cache/contents', 'scratch', 'other'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 })
  for (const name of ['cluster', 'lock.db', 'owner.json', 'cache/contents/a', 'moving', 'moving.new'])
    writeFileSync(join(folder, name), '', { mode: 0o644 })
  chmodSync(folder, 0o755)
  const open = () =>
    ['.', ...readdirSync(folder, { recursive: true }).map(String)].filter(
      (name) => (statSync(join(folder, name)).mode & 0o077) !== 0,
    )
  assert.deepEqual(makePrivate(folder), [])
  assert.deepEqual(open(), ['.', 'other'])
  rmSync(join(folder, 'other'), { recursive: true })
  makePrivate(folder)
  assert.deepEqual(open(), [])
})
