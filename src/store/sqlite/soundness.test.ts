import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Failure } from '../../errors/index.ts'
import { DatabaseHealth } from '../database-health.ts'
import { openDatabase, openSoundDatabase } from './database.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtrail-soundness-'))
const sound = join(folder, 'sound.db')
const damaged = join(folder, 'damaged.db')
const PAGE = 4096
after(() => rmSync(folder, { recursive: true }))

before(async () => {
  await (await openDatabase(sound)).destroy()
  // Enough rows for trees of several pages, some of them free again.
  const database = new DatabaseSync(sound)
  database.exec(`
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 800)
    INSERT INTO settings (key, value) SELECT 'key ' || n, hex(randomblob(100)) FROM numbers;
    INSERT INTO settings (key, value) VALUES ('long', hex(randomblob(20000)));
    DELETE FROM settings WHERE key LIKE 'key 1%';
  `)
  database.close()
})

/** Whether a start refuses it, with a sentence. */
async function isRefused(): Promise<boolean> {
  try {
    const { database } = await openSoundDatabase(damaged, new DatabaseHealth())
    // A connection that was never used would not be closed.
    await database.selectFrom('settings').select('key').execute()
    await database.destroy()
    return false
  } catch (error) {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, 'database.unusable')
    assert.match(error.message, /damaged.*backup/)
    return true
  }
}

test('whichever page is overwritten, a start refuses the database, unless nothing was in the page', async () => {
  const bytes = readFileSync(sound)
  const pages = bytes.length / PAGE
  const database = new DatabaseSync(sound)
  const { freelist_count: free } = database.prepare('PRAGMA freelist_count').get() as { freelist_count: number }
  database.close()
  for (const [what, fill] of Object.entries({ garbage: 0xab, zeros: 0 })) {
    const accepted: number[] = []
    for (let page = 0; page < pages; page++) {
      writeFileSync(damaged, Buffer.from(bytes).fill(fill, page * PAGE, (page + 1) * PAGE))
      if (!(await isRefused())) accepted.push(page + 1)
    }
    // Of the free pages, and of a long value's, only those that lead to others are looked at.
    const overflow = Math.ceil(40_000 / (PAGE - 4))
    assert.ok(accepted.length <= free + overflow, `${what} in the pages ${accepted} was accepted`)
  }
})

test('wherever the file ends too early, a start refuses the database', async () => {
  const bytes = readFileSync(sound)
  for (let page = 1; page < bytes.length / PAGE; page++) {
    for (const length of [page * PAGE, page * PAGE + 100]) {
      writeFileSync(damaged, bytes.subarray(0, length))
      assert.ok(await isRefused(), `a database of ${length} instead of ${bytes.length} bytes was accepted`)
    }
  }
})

test('a sound database is opened, whether or not a log is beside it', async () => {
  copyFileSync(sound, damaged)
  assert.equal(await isRefused(), false)
  // A log as a killed process leaves it: copied while its database is open.
  const database = new DatabaseSync(damaged)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  for (let n = 0; n < 30; n++) database.exec(`INSERT INTO settings (key, value) VALUES ('logged ${n}', 'yes')`)
  const [main, log] = [readFileSync(damaged), readFileSync(`${damaged}-wal`)]
  database.close()
  for (let length = log.length; length >= 0; length -= 1_500) {
    writeFileSync(damaged, main)
    writeFileSync(`${damaged}-wal`, log.subarray(0, length))
    assert.equal(await isRefused(), false, `a log of ${length} bytes was refused`)
  }
  // What a power cut may leave: the last transaction, in part.
  for (let at = log.length - PAGE; at < log.length; at += 200) {
    writeFileSync(damaged, main)
    writeFileSync(`${damaged}-wal`, Buffer.from(log).fill(0, at, Math.min(at + 100, log.length)))
    assert.equal(await isRefused(), false, `a log whose end was not written was refused`)
  }
  for (let at = 0; at < log.length - 3 * PAGE; at += 1_777) {
    writeFileSync(damaged, main)
    const changed = Buffer.from(log)
    changed[at] = (changed[at] as number) ^ 1
    writeFileSync(`${damaged}-wal`, changed)
    assert.equal(await isRefused(), true, `a log that was changed at ${at} was accepted`)
  }
})
