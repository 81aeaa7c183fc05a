import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { sevenZipBinary } from '../archives/seven-zip.ts'
import { storedZip } from '../archives/stored-zip.fixture.ts'
import { Failure } from '../errors/index.ts'
import { type Collection, freshCollection, openCollection } from './collection.fixture.ts'

const RULE =
  'rule Marked : tc_detection malicious { meta: tc_detection_type = "Trojan" tc_detection_name = "Mark" tc_detection_factor = 5 strings: $a = "the marked words" condition: $a }'
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const zipOf = (files: Record<string, Buffer>) =>
  storedZip(Object.entries(files).map(([name, bytes]) => ({ name: Buffer.from(name), bytes })))

async function upload(collection: Collection, bytes: Buffer, filename: string, rest: object = {}) {
  return collection.intake.receive(Readable.from([bytes]), { filename, userId: collection.operator.id, ...rest })
}

async function rows(collection: Collection, table: 'sightings' | 'members' | 'matches') {
  return collection.database.selectFrom(table).selectAll().execute()
}

test('an uploaded content is stored, identified, matched, classified and indexed', async (t) => {
  const c = await freshCollection(t)
  await c.rulesets.save(c.operator, { name: 'marks', content: RULE })
  const bytes = Buffer.from('#!/bin/sh\necho these are the marked words\n')
  const arrival = await upload(c, bytes, 'C:\\temp\\run.sh', { tags: ['mail', 'mail', 'eu'], comment: 'seen twice' })
  assert.equal(arrival.known, false)
  assert.equal(arrival.sha256, digestOf(bytes))
  await arrival.processed

  const { sample, tags, sightings } = await c.samples.details(arrival.sha1)
  assert.equal(sample.state, 'processed')
  assert.equal(sample.name, 'run.sh')
  assert.equal(sample.size, bytes.length)
  assert.match(sample.fileType, /^Text\//)
  assert.equal(sample.classification, 3)
  assert.equal(sample.riskScore, 10)
  assert.match(sample.threatName ?? '', /Trojan\.Mark$/)
  assert.equal(sample.indexed, true)
  assert.equal(sample.note, null)
  assert.deepEqual(tags, ['eu', 'mail'])
  assert.deepEqual(
    sightings.map(({ name, source, comment }) => ({ name, source, comment })),
    [{ name: 'run.sh', source: 'upload', comment: 'seen twice' }],
  )
  assert.deepEqual(await buffer((await c.samples.content(arrival.sha256)).content.stream), bytes)
  assert.deepEqual(
    (await c.matches.ofSample(arrival.id)).map(({ rule }) => rule),
    ['Marked'],
  )
  for (const hash of ['md5', 'sha1', 'sha512']) {
    const found = await c.samples.find(createHash(hash).update(bytes).digest('hex').toUpperCase())
    assert.equal(found?.id, arrival.id)
  }
  assert.deepEqual(await c.underWay(), [])
})

test('the same content twice is one sample with two sightings, at once or one after the other', async (t) => {
  const c = await freshCollection(t)
  const bytes = randomBytes(5_000)
  const together = await Promise.all([upload(c, bytes, 'one'), upload(c, bytes, 'two')])
  const later = await upload(c, bytes, 'three', { tags: ['again'] })
  await c.intake.idle()
  assert.deepEqual(new Set([...together, later].map(({ id }) => id)).size, 1)
  assert.equal([...together, later].filter(({ known }) => !known).length, 1)
  const names = (await rows(c, 'sightings')).map((row) => ('name' in row ? row.name : ''))
  assert.deepEqual(names.sort(), ['one', 'three', 'two'])
  const sample = await c.samples.get(later.sha1)
  assert.equal(sample.name, 'three')
  assert.equal(sample.lastSeen, later.seen)
  assert.ok(sample.firstSeen < sample.lastSeen)
  assert.deepEqual(await c.underWay(), [])
  assert.equal((await c.samples.totals()).samples, 1)
})

test('a sample that is processed before its arrival is told is told as processed', { timeout: 30_000 }, async (t) => {
  const c = await freshCollection(t)
  const gate = Promise.withResolvers<void>()
  // The first sample keeps the pipeline awake until the second one has its row …
  const run = c.pool.run.bind(c.pool)
  const examine = t.mock.method(c.pool, 'run', async (...task: Parameters<typeof run>) => {
    if (task[0] === 'examine' && examine.mock.callCount() === 0) await gate.promise
    return run(...task)
  })
  const first = await upload(c, Buffer.from('the first sample'), 'first')
  // … and is processed before the batch that admitted it is over.
  const put = c.contents.put.bind(c.contents)
  t.mock.method(c.contents, 'put', async (...parts: Parameters<typeof put>) => {
    const result = await put(...parts)
    gate.resolve()
    while ((await c.samples.find(digestOf(Buffer.from('the second sample'))))?.state !== 'processed') {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return result
  })
  const second = await upload(c, Buffer.from('the second sample'), 'second')
  await first.processed
  await second.processed
})

test('an upload above the limit, and one that breaks off, leave nothing', async (t) => {
  const c = await freshCollection(t, { limits: { uploadBytes: 1_000 } })
  await assert.rejects(upload(c, Buffer.alloc(1_001), 'big'), { code: 'upload.too-large' })
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(500)
      throw new Error('the line went dead')
    })(),
  )
  await assert.rejects(c.intake.receive(broken, { filename: 'x', userId: null }), /went dead/)
  await upload(c, Buffer.alloc(1_000), 'fits')
  await c.intake.idle()
  assert.deepEqual(await c.underWay(), [])
  assert.equal((await c.samples.totals()).samples, 1)
})

test('files are ingested from disk, and what cannot be read is an error with its code', async (t) => {
  const c = await freshCollection(t)
  const path = join(c.folder, 'file')
  await writeFile(path, randomBytes(6_000_000))
  const info = { filename: 'some/file', userId: c.operator.id }
  const arrival = await c.intake.ingestFile(path, info)
  await arrival.processed
  assert.equal(arrival.sha256, digestOf(await readFile(path)))
  await assert.rejects(c.intake.ingestFile(join(c.folder, 'missing'), info), { code: 'ENOENT' })
  assert.deepEqual(await c.underWay(), [])
  assert.deepEqual(
    (await rows(c, 'sightings')).map((row) => 'source' in row && row.source),
    ['ingest'],
  )
})

test('members of nested archives are samples of their own, matched before the archive counts as processed', async (t) => {
  const c = await freshCollection(t)
  await c.rulesets.save(c.operator, { name: 'marks', content: RULE })
  const marked = Buffer.from('deep inside: the marked words')
  const inner = zipOf({ 'deep/marked.txt': marked, 'plain.txt': Buffer.from('nothing here') })
  const outer = gzipSync(
    zipOf({ 'inner.zip': inner, '../../escape.txt': Buffer.from('hello'), 'same.txt': Buffer.from('hello') }),
  )
  const arrival = await upload(c, outer, 'outer.zip.gz')
  await arrival.processed

  const { sample, members } = await c.samples.details(arrival.sha1)
  assert.equal(sample.extractedFileCount, 1)
  const zip = members[0]?.sample
  assert.equal(zip?.extractedFileCount, 3)
  const listed = await c.samples.extractedFiles(zip?.sha1 ?? '', { offset: 0, limit: 10 })
  assert.deepEqual(
    listed.files.map(({ path }) => path),
    ['../../escape.txt', 'inner.zip', 'same.txt'],
  )
  const found = await c.samples.details(digestOf(marked))
  assert.equal(found.sample.state, 'processed')
  assert.equal(found.sample.classification, 3)
  assert.equal(found.sample.name, 'marked.txt')
  assert.deepEqual(
    found.parents.map(({ sample, path }) => [sample.sha256, path]),
    [[digestOf(inner), 'deep/marked.txt']],
  )
  assert.deepEqual(
    found.sightings.map(({ source }) => source),
    ['member'],
  )
  assert.equal((await c.samples.totals()).samples, 6)
  assert.equal((await c.samples.totals()).queued, 0)

  const before = (await rows(c, 'sightings')).length
  assert.equal((await upload(c, outer, 'again')).known, true)
  await c.intake.idle()
  assert.equal((await rows(c, 'sightings')).length, before + 1)
})

test('an encrypted archive is noted, opens with infected or the given password, and a later password is tried', async (t) => {
  const c = await freshCollection(t)
  const folder = join(c.folder, 'pack')
  await mkdir(folder)
  await writeFile(join(folder, 'a.txt'), 'secret content')
  const pack = async (name: string, password: string) => {
    execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', `-p${password}`, name, 'a.txt'], { cwd: folder })
    return readFile(join(folder, name))
  }
  const customary = await upload(c, await pack('infected.zip', 'infected'), 'i.zip')
  await customary.processed
  assert.equal((await c.samples.get(customary.sha1)).extractedFileCount, 1)

  const bytes = await pack('other.7z', 'other word')
  const locked = await upload(c, bytes, 'o.7z')
  await locked.processed
  const noted = await c.samples.get(locked.sha1)
  assert.equal(noted.extractedFileCount, 0)
  assert.match(noted.note ?? '', /no known password/)

  // It is tried again, also where nobody hears that it is queued once more.
  const transaction = c.store.transaction.bind(c.store)
  for (const tryAgain of [
    () => c.intake.unpackAgain(Buffer.from(locked.sha256, 'hex'), 'a guess'),
    () => upload(c, bytes, 'o.7z', { archivePassword: 'another guess' }),
  ]) {
    const losing = t.mock.method(c.store, 'transaction', async (...unit: Parameters<typeof transaction>) => {
      await transaction(...unit)
      losing.mock.restore()
      throw new Failure('storage.unavailable')
    })
    await assert.rejects(tryAgain(), { code: 'storage.unavailable' })
    await c.intake.idle()
    const { state, note } = await c.samples.get(locked.sha1)
    assert.equal(state, 'processed')
    assert.match(note ?? '', /no known password/)
  }

  const retried = await upload(c, bytes, 'o.7z', { archivePassword: 'other word' })
  assert.equal(retried.known, true)
  await retried.processed
  const opened = await c.samples.get(locked.sha1)
  assert.equal(opened.extractedFileCount, 1)
  assert.equal(opened.note, null)
})

test('bounds on depth, members and bytes hold for all that comes out of one upload', async (t) => {
  // As many archives are unpacked at once as there are workers.
  const c = await freshCollection(t, { workers: 4, limits: { archiveDepth: 2, archiveMembers: 5 } })
  let nested: Buffer = Buffer.from('the core')
  for (let depth = 0; depth < 4; depth++) nested = zipOf({ [`level${depth}.zip`]: nested })
  const deep = await upload(c, nested, 'deep.zip')
  await deep.processed
  assert.equal((await c.samples.totals()).samples, 3)
  assert.equal(await c.samples.find(digestOf(Buffer.from('the core'))), null)
  const found = (await c.samples.search({}, { limit: 10 })).samples
  assert.ok(found.some(({ note }) => /archives deep/.test(note ?? '')))

  const wide = zipOf(
    Object.fromEntries(
      Array.from({ length: 4 }, (_, i) => [`${i}.zip`, zipOf({ a: Buffer.from(`a${i}`), b: Buffer.from(`b${i}`) })]),
    ),
  )
  await (await upload(c, wide, 'wide.zip')).processed
  const all = (await c.samples.search({}, { limit: 100 })).samples
  assert.equal(all.length, 3 + 1 + 5)
  assert.ok(all.some(({ note }) => /too much came out/.test(note ?? '')))
})

test('what a worker has read of a zip takes no place from what 7-Zip reads of it', async (t) => {
  const c = await freshCollection(t, { limits: { archiveMembers: 5, archiveBytes: 1_000_000 } })
  /** In the order of their names; those with a digit are encrypted. */
  const zipped = async (...groups: readonly Readonly<Record<string, number>>[]) => {
    const folder = await mkdtemp(join(c.folder, 'pack-'))
    for (const sizes of groups) {
      const names = Object.keys(sizes)
      for (const name of names) await writeFile(join(folder, name), randomBytes(sizes[name] as number))
      const password = /\d/.test(names[0] ?? '') ? ['-pinfected'] : []
      execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', '-mx=0', ...password, 'x.zip', ...names], { cwd: folder })
    }
    return readFile(join(folder, 'x.zip'))
  }
  const open = async (archive: Buffer, name: string) => {
    const { id, processed } = await upload(c, archive, name)
    await processed
    const members = await c.database.selectFrom('members').select('path').where('parent_id', '=', id).execute()
    const note = (await c.samples.find(digestOf(archive)))?.note
    return { paths: members.map(({ path }) => path).toSorted(), note }
  }
  const few = await zipped({ a: 9, b: 9, c: 9, d: 9 }, { e1: 9 })
  assert.deepEqual(await open(few, 'few.zip'), { paths: ['a', 'b', 'c', 'd', 'e1'], note: null })
  const large = await zipped({ a: 330_000, b: 330_000, c: 330_000 }, { e1: 9_000 })
  assert.deepEqual(await open(large, 'large.zip'), { paths: ['a', 'b', 'c', 'e1'], note: null })
  // Whatever 7-Zip gives, no more comes out than may.
  const many = await open(await zipped({ 1: 9, 2: 9, 3: 9 }, { a: 9, b: 9, c: 9, d: 9 }), 'many.zip')
  assert.equal(many.paths.length, 5)
  assert.match(many.note ?? '', /more (?:than 5 )?contained files/)
})

test('an archive that too much lay around or before is unpacked when it comes by itself, or less deep', async (t) => {
  const c = await freshCollection(t, { workers: 2, limits: { archiveDepth: 2, archiveMembers: 5 } })
  const has = async (content: string) => (await c.samples.find(digestOf(Buffer.from(content)))) !== null
  const core = zipOf({ 'core.txt': Buffer.from('the core') })
  const around = (inner: Buffer, name: string) => zipOf({ [name]: inner })
  await (await upload(c, around(around(core, 'core.zip'), 'middle.zip'), 'outer.zip')).processed
  assert.equal(await has('the core'), false)
  await (await upload(c, around(core, 'the same.zip'), 'less.zip')).processed
  assert.equal(await has('the core'), true)
  assert.equal((await c.samples.find(digestOf(core)))?.note, null)

  // The first four members leave one for what comes behind: of the last archive, one file comes out.
  const last = zipOf({ x: Buffer.from('content x'), y: Buffer.from('content y') })
  const first = [1, 2, 3].map((n) => [`${n}.txt`, Buffer.from(`text ${n}`)] as const)
  await (await upload(c, zipOf({ ...Object.fromEntries(first), 'last.zip': last }), 'wide.zip')).processed
  assert.deepEqual([await has('content x'), await has('content y')], [true, false])
  assert.match((await c.samples.find(digestOf(last)))?.note ?? '', /sent by itself, more comes out of it/)
  await (await upload(c, last, 'last.zip')).processed
  assert.equal(await has('content y'), true)
  assert.equal((await c.samples.find(digestOf(last)))?.note, null)
})

test('an archive that comes by itself, or less deep, while it is queued as a member is unpacked all the same', async (t) => {
  const c = await freshCollection(t, { workers: 1, limits: { archiveDepth: 2 } })
  for (let round = 0; round < 5; round++) {
    const inner = zipOf({ 'core.txt': Buffer.from(`the core ${round}`) })
    const texts = Array.from({ length: 40 }, (_, n) => [`${n}.txt`, Buffer.from(`text ${round} ${n}`)] as const)
    const middle = zipOf({ 'inner.zip': inner, ...Object.fromEntries(texts) })
    const outer = await upload(c, zipOf({ 'middle.zip': middle }), 'outer.zip')
    // At once as soon as it is there, so that it is met in every state that it goes through.
    while ((await c.samples.find(digestOf(inner))) === null) await setImmediate()
    for (let turn = 0; turn < 100 * round; turn++) await setImmediate()
    const again = await upload(c, round % 2 === 0 ? inner : zipOf({ 'less deep.zip': inner }), 'again.zip')
    await Promise.all([outer.processed, again.processed])
    await c.intake.idle()
    assert.notEqual(await c.samples.find(digestOf(Buffer.from(`the core ${round}`))), null, `round ${round}`)
  }
})

test('a ruleset that is enabled while samples are on their way misses none of them', async (t) => {
  const c = await freshCollection(t)
  const uploads: Promise<unknown>[] = []
  const total = 150
  for (let i = 0; i < total; i++) {
    uploads.push(upload(c, Buffer.from(`the marked words ${i}`), `f${i}`))
    if (i === 40)
      await c.rulesets.save(c.operator, { name: 'early', content: 'rule Other { condition: filesize > 1 }' })
    if (i === 80) await c.rulesets.save(c.operator, { name: 'marks', content: RULE })
    if (i === 110) await c.rulesets.setEnabled(c.operator, 'early', false)
  }
  await Promise.all(uploads)
  await c.intake.idle()
  const marks = await c.database
    .selectFrom('rulesets')
    .select(['id', 'modified'])
    .where('name', '=', 'marks')
    .executeTakeFirstOrThrow()
  const after = await c.database
    .selectFrom('samples')
    .select('id')
    .where('processed_at', '>=', marks.modified)
    .execute()
  const matched = await c.database
    .selectFrom('matches')
    .select('sample_id')
    .where('ruleset_id', '=', marks.id)
    .execute()
  assert.ok(after.length > 0)
  const ids = new Set(matched.map(({ sample_id }) => sample_id))
  for (const { id } of after)
    assert.ok(ids.has(id), `sample ${id} was committed after the rules were enabled, without their match`)
  assert.deepEqual(c.log.errors, [])
})

test('what was acknowledged before a kill is there afterwards, and is brought to its end with all its members', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-killed-'))
  let opened: Collection | null = null
  t.after(async () => {
    // Not two hooks: the first of them runs first, and the folder would go while the collection still writes to it.
    await opened?.close()
    await rm(folder, { recursive: true })
  })
  await writeFile(join(folder, 'marks.yar'), RULE)
  const script = join(import.meta.dirname, 'killed-intake.fixture.ts')
  const killed = spawn(process.execPath, [script, folder, join(folder, 'marks.yar')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(killed, 'close')
  let acknowledged = ''
  for await (const text of killed.stdout) acknowledged += text
  const [, signal] = await ended
  assert.equal(signal, 'SIGKILL')
  const hashes = acknowledged.split('\n').slice(0, -1)
  assert.ok(hashes.length >= 60)

  const c = await openCollection(folder)
  opened = c
  await c.scratch.sweep(async (digests) => {
    await c.contents.recover(digests, (sha256) => c.store.samples.isStored(sha256))
  })
  await c.segments.start()
  const { resumed } = await c.intake.start()
  assert.ok(resumed > 0, 'the kill left something in the queue')
  await c.intake.idle()
  for (const hash of hashes) {
    const { sample, members } = await c.samples.details(hash)
    assert.equal(sample.state, 'processed')
    const [member] = members
    if (/ZIP/i.test(sample.fileType)) assert.equal(member?.sample.classification, 3)
    else assert.equal(sample.classification, 3)
  }
  const { samples } = await c.samples.totals()
  const contents = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true })
  assert.equal(contents.filter((entry) => entry.isFile()).length, samples, 'contents without a sample')
  const { segments, unindexed, release } = await c.segments.snapshot()
  release()
  assert.equal(unindexed.length, 0)
  assert.equal(
    segments.reduce((sum, segment) => sum + segment.samples, 0),
    samples,
  )
})
