import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { now } from '../clock.ts'
import { openDatabase } from './database.ts'
import { storeOf } from './store.ts'

test('the progress of a hunt is stored without writing its texts again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-store-'))
  const path = join(folder, 'backtrail.db')
  const store = storeOf(await openDatabase(path))
  t.after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })
  const startedBy = await store.users.add({
    name: 'ana',
    passwordHash: '',
    role: 'user',
    contributes: false,
    created: now(),
  })
  const texts = new Uint8Array(4_000_000).fill(7)
  const id = await store.transaction('startHunt', ({ hunts }) =>
    hunts.add({
      kind: 'ad-hoc',
      state: 'queued',
      startedBy,
      created: now(),
      lastSampleId: 0,
      adHoc: { title: null, texts, selection: '{}', useIndex: true },
    }),
  )
  const hunt = await store.hunts.claim(id, now())
  assert.ok(hunt)
  const written = () => statSync(`${path}-wal`).size + statSync(path).size
  const before = written()
  for (let cursor = 1; cursor <= 10; cursor++) {
    const counts = { processed: cursor, candidates: 1, scannedBytes: 1, skipped: 0, matches: 0 }
    await store.hunts.advance(hunt, { cursor, ...counts })
  }
  const grown = written() - before
  assert.ok(grown < texts.length / 4, `ten checkpoints wrote ${grown} bytes`)
  assert.deepEqual((await store.hunts.findToRun(id)).texts, texts)
  await store.hunts.delete(id)
  assert.equal(await store.hunts.textsOf(id), null)
})
