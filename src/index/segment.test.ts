import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Random, randomFrom, signed } from './fixtures.ts'
import { mergeSegments } from './merging.ts'
import { PROGRAM_WORDS, programsBySample } from './program.ts'
import { BLOCK_BYTES, digestBytes, SEGMENT_HEADER_BYTES, SEGMENT_VERSION, transposedCount } from './segment-format.ts'
import { type SegmentGroup, SegmentReader } from './segment-reader.ts'
import { type SignedSample, writeSegment } from './segment-writer.ts'
import { encodeSignature, HEAD_BYTES, SignatureView } from './signature.ts'
import { signersBySample } from './signers.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'segments-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function opened(t: TestContext, path: string): SegmentReader {
  const reader = SegmentReader.open(path)
  t.after(() => reader.close())
  return reader
}

/** Samples of a few sizes, so that some classes are transposed, some loose, some both; ids with gaps. */
function samplesOf(random: Random, count: number, firstId = 1): SignedSample[] {
  let id = firstId
  return Array.from({ length: count }, () => {
    id += random.below(3) + 1
    const bytes = random.sample([0, 3, 200, 400, 1000, 3000, 3000, 3100][random.below(8)] as number)
    const signers = [null, new Uint32Array(0), Uint32Array.of(id), Uint32Array.of(id, 0xffffffff)][random.below(4)]
    const program = Uint32Array.from({ length: PROGRAM_WORDS }, () => random.below(2 ** 32))
    return signed(id, bytes, {
      signers: signers as Uint32Array | null,
      program: [null, new Uint32Array(0), program][random.below(3)] as Uint32Array | null,
    })
  })
}

function unfiltered(id: number): SignedSample {
  const digest = (length: number) => new Uint8Array(length).fill(id)
  return {
    id,
    record: encodeSignature({
      size: 2 ** 40 + id,
      head: Uint8Array.of(0x4d, 0x5a),
      md5: digest(16),
      sha1: digest(20),
      sha256: digest(32),
      bytes: new Uint8Array(0),
      kind: 'short',
      signers: null,
      program: null,
    }),
  }
}

const hasBit = ({ bits, bytes }: SignatureView, bit: number) =>
  bits === 0 || (((bytes[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1

/** What a group says of its samples, against their signatures: the facts, and rows drawn at random. */
function compare(group: SegmentGroup, views: ReadonlyMap<number, SignatureView>, random: Random): void {
  const members = Array.from(group.ids, (id) => views.get(id) as SignatureView)
  assert.ok(members.every((view) => view.bits === group.bits))
  const signersOf = signersBySample(group.signers())
  members.forEach(({ signers }, s) => {
    assert.deepEqual(signersOf(s), signers)
  })
  const programOf = programsBySample(group.programs())
  members.forEach(({ program }, s) => {
    assert.deepEqual(programOf(s), program)
  })
  assert.deepEqual(
    Array.from(group.sizes),
    members.map(({ size }) => size),
  )
  for (let position = 0; position < HEAD_BYTES; position += 1 + random.below(20))
    assert.deepEqual(
      Array.from(group.head(position)),
      members.map(({ head }) => head[position] ?? 0),
    )
  for (const algorithm of ['md5', 'sha1', 'sha256'] as const)
    members.forEach((view, s) => {
      const length = digestBytes[algorithm]
      assert.deepEqual(
        Buffer.from(group.digests(algorithm)).subarray(s * length, (s + 1) * length),
        Buffer.from(view[algorithm]),
      )
    })
  for (const wanted of [1, 7, 300]) {
    const rows = Uint32Array.from({ length: wanted }, () => random.below(group.bits || 2 ** 32)).sort()
    // Rows land in the middle of a larger array: an evaluation keeps many groups' rows in one.
    const memory = new Uint32Array(rows.length * group.words + 6).fill(0xdeadbeef)
    group.readRows(rows, memory.subarray(3, memory.length - 3))
    assert.deepEqual([...memory.subarray(0, 3), ...memory.subarray(-3)], Array(6).fill(0xdeadbeef))
    rows.forEach((row, i) => {
      for (let s = 0; s < group.words * 32; s++) {
        const bit = ((memory[3 + i * group.words + (s >>> 5)] as number) >>> (s & 31)) & 1
        assert.equal(
          bit,
          s < group.count && hasBit(members[s] as SignatureView, row) ? 1 : 0,
          `row ${row} of sample ${s}`,
        )
      }
    })
  }
}

test('a segment tells of every sample what its signature tells', (t) => {
  const folder = folderOf(t)
  const random = randomFrom('segments against signatures')
  for (const [round, count] of [1, 2, 7, 8, 9, 33, 64, 150, 400].entries()) {
    const samples = samplesOf(random, count)
    if (round % 2 === 0) samples.push(unfiltered((samples.at(-1) as SignedSample).id + 1))
    const path = join(folder, `${count}.segment`)
    const summary = writeSegment(path, samples)
    const reader = opened(t, path)
    assert.equal(reader.samples, samples.length)
    assert.deepEqual([reader.firstId, reader.lastId], [samples[0]?.id, samples.at(-1)?.id])
    assert.deepEqual(summary, {
      samples: reader.samples,
      firstId: reader.firstId,
      lastId: reader.lastId,
      bytes: statSync(path).size,
    })
    const ids = reader.groups.flatMap((group) => [...group.ids])
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      samples.map(({ id }) => id),
    )
    const views = new Map(samples.map(({ id, record }) => [id, SignatureView.of(record)]))
    for (const group of reader.groups) {
      assert.deepEqual(group.ids, group.ids.slice().sort())
      compare(group, views, random)
    }
    const records = new Map([...reader.records()].map(({ id, record }) => [id, record]))
    assert.deepEqual(records, new Map(samples.map(({ id, record }) => [id, record])))
  }
})

test('a segment of large signatures, made and read in several pieces, tells the same', (t) => {
  const folder = folderOf(t)
  const random = randomFrom('large signatures')
  const samples = Array.from({ length: 75 }, (_, i) => signed(i + 1, random.bytes(600_000)))
  const views = new Map(samples.map(({ id, record }) => [id, SignatureView.of(record)]))
  const [first, second, whole, merged] = ['first', 'second', 'whole', 'merged'].map((name) => join(folder, name))
  writeSegment(first as string, samples.slice(0, 30))
  writeSegment(second as string, samples.slice(30))
  writeSegment(whole as string, samples)
  mergeSegments([first as string, second as string], merged as string, [])
  assert.deepEqual(readFileSync(merged as string), readFileSync(whole as string))
  for (const path of [first, second, merged]) {
    const reader = opened(t, path as string)
    reader.check()
    for (const group of reader.groups) compare(group, views, random)
    for (const { id, record } of reader.records()) assert.deepEqual(record, samples[id - 1]?.record)
  }
  const { groups } = opened(t, whole as string)
  assert.ok(groups.some(({ bits, layout, count }) => layout === 'transposed' && (bits * count) / 8 > 4 << 20))
})

test('classes are transposed as far as the rows are filled well, and the rest is loose', (t) => {
  const bytes = randomFrom('layouts').sample(1000)
  const path = join(folderOf(t), 'layouts.segment')
  writeSegment(path, [...Array.from({ length: 11 }, (_, i) => signed(i + 1, bytes)), unfiltered(12)])
  const groups = opened(t, path).groups.map(({ layout, count }) => [layout, count])
  assert.deepEqual(groups, [
    ['unfiltered', 1],
    ['transposed', 8],
    ['loose', 3],
  ])
})

test('filling adds no more than a sixteenth to the rows of a transposed group', () => {
  for (let count = 0; count < 1000; count++) {
    const transposed = transposedCount(count)
    assert.ok(transposed <= count && count - transposed < 8)
    const cells = Math.ceil(transposed / 8) * 8
    assert.ok(cells - transposed <= transposed / 16)
  }
})

test('a merged segment is byte for byte the one written at once, whatever the history of merges', (t) => {
  const folder = folderOf(t)
  const random = randomFrom('merging')
  for (let round = 0; round < 10; round++) {
    const samples = samplesOf(random, 40 + random.below(round === 0 ? 40 : 400))
    const whole = join(folder, 'whole')
    writeSegment(whole, samples)
    let paths: string[] = []
    // Neighbours in every other round, and dealt out at random in the others: ranges of ids may overlap.
    const pieces =
      round % 2 === 0
        ? piecesOf(samples, () => (round === 0 ? 1 : 1 + random.below(100)))
        : [...Map.groupBy(samples, () => random.below(12)).values()]
    for (const [n, piece] of pieces.entries()) {
      const path = join(folder, `piece ${n}`)
      writeSegment(path, piece)
      paths.push(path)
    }
    for (let merges = 0; paths.length > 1; merges++) {
      const from = random.below(paths.length - 1)
      const to = from + 2 + random.below(paths.length - from - 1)
      const path = join(folder, `merged ${merges}`)
      mergeSegments(paths.slice(from, to), path, [])
      paths = [...paths.slice(0, from), path, ...paths.slice(to)]
    }
    assert.deepEqual(readFileSync(paths[0] as string), readFileSync(whole))
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
  }
})

function piecesOf<T>(items: readonly T[], length: () => number): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < items.length; at += pieces.at(-1)?.length ?? 0) pieces.push(items.slice(at, at + length()))
  return pieces
}

test('deleted samples leave at a merge, and the rest is as if they had never been', (t) => {
  const folder = folderOf(t)
  const random = randomFrom('deleting')
  const samples = [...samplesOf(random, 300), unfiltered(5000), unfiltered(5001)]
  const paths = [...Map.groupBy(samples, () => random.below(3))].map(([n, some]) => {
    const path = join(folder, `${n}`)
    writeSegment(path, some)
    return path
  })
  for (const share of [0.01, 0.5, 0.99]) {
    const gone = new Set(samples.filter(() => random.below(1000) < share * 1000).map(({ id }) => id))
    gone.add(5000)
    const merged = join(folder, 'merged')
    // Ids that no segment holds do no harm.
    const without = Uint32Array.from([0, ...gone, 9999]).sort()
    mergeSegments(
      paths,
      merged,
      paths.map(() => without),
    )
    const whole = join(folder, 'whole')
    writeSegment(
      whole,
      samples.filter(({ id }) => !gone.has(id)),
    )
    assert.deepEqual(readFileSync(merged), readFileSync(whole))
  }
  const nothing = join(folder, 'nothing')
  const all = Uint32Array.from(samples, ({ id }) => id)
  assert.equal(
    mergeSegments(
      paths,
      nothing,
      paths.map(() => all),
    ),
    null,
  )
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('nothing')))
})

test('a sample in two segments and samples out of order are refused, and leave nothing behind', (t) => {
  const folder = folderOf(t)
  const bytes = randomFrom('order').sample(500)
  const early = join(folder, 'early')
  const late = join(folder, 'late')
  writeSegment(early, [signed(1, bytes), signed(5, bytes)])
  writeSegment(late, [signed(5, bytes), signed(9, bytes)])
  for (const inputs of [
    [early, late],
    [late, early],
  ])
    assert.throws(() => mergeSegments(inputs, join(folder, 'merged'), []), RangeError)
  // Left out of one of them, it stays.
  const merged = join(folder, 'merged')
  assert.equal(mergeSegments([early, late], merged, [Uint32Array.of(5), new Uint32Array()])?.samples, 3)
  rmSync(merged)
  assert.throws(() => writeSegment(join(folder, 'unordered'), [signed(2, bytes), signed(2, bytes)]), RangeError)
  assert.throws(() => writeSegment(join(folder, 'empty'), []), RangeError)
  assert.deepEqual(readdirSync(folder).sort(), ['early', 'late'])
})

/** Everything a hunt may ask of a segment. */
function readAll(path: string): unknown {
  const reader = SegmentReader.open(path)
  try {
    return reader.groups.map((group) => {
      const rows = Uint32Array.from({ length: group.bits }, (_, row) => row)
      const cells = new Uint32Array(rows.length * group.words)
      group.readRows(rows, cells)
      const heads = Array.from({ length: HEAD_BYTES }, (_, position) => group.head(position))
      const digests = (['md5', 'sha1', 'sha256'] as const).map((algorithm) => group.digests(algorithm))
      const signers = group.signers()
      const programs = programsBySample(group.programs())
      const words = Array.from(group.ids, (_, s) => programs(s))
      return { bits: group.bits, ids: group.ids, sizes: group.sizes, heads, digests, signers, words, cells }
    })
  } finally {
    reader.close()
  }
}

test('a flipped bit anywhere in a segment file is detected, by reading and by a full check', (t) => {
  const folder = folderOf(t)
  const random = randomFrom('flips')
  const path = join(folder, 'segment')
  writeSegment(path, [...samplesOf(random, 40), unfiltered(1000)])
  const intact = readFileSync(path)
  assert.ok(intact.length > 3 * BLOCK_BYTES, 'several blocks')
  readAll(path)
  // Every byte of the header and around the section and block borders, and every so many elsewhere.
  let flips = 0
  for (let at = 0; at < intact.length; at += at < 400 || at > intact.length - 40 ? 1 : 1 + random.below(40)) {
    const flipped = Buffer.from(intact)
    flipped[at] = (flipped[at] as number) ^ (1 << random.below(8))
    writeFileSync(path, flipped)
    assert.throws(() => readAll(path), { code: 'segment.damaged' }, `byte ${at} of ${intact.length}`)
    assert.throws(
      () => {
        const reader = SegmentReader.open(path)
        try {
          reader.check()
        } finally {
          reader.close()
        }
      },
      { code: 'segment.damaged' },
      `byte ${at} of ${intact.length}`,
    )
    flips++
  }
  assert.ok(flips > 1000)
})

test('a segment that is missing, empty, cut off, too long or of another version is called damaged', (t) => {
  const folder = folderOf(t)
  const path = join(folder, 'segment')
  assert.throws(() => SegmentReader.open(path), { code: 'segment.damaged' })
  writeSegment(path, samplesOf(randomFrom('cut off'), 20))
  const intact = readFileSync(path)
  for (const length of [0, 1, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 1, intact.length - 1]) {
    writeFileSync(path, intact.subarray(0, length))
    assert.throws(() => SegmentReader.open(path), { code: 'segment.damaged' }, `${length} bytes`)
  }
  writeFileSync(path, Buffer.concat([intact, Buffer.of(0)]))
  assert.throws(() => SegmentReader.open(path), { code: 'segment.damaged' })
  const other = Buffer.from(intact)
  other.writeUInt32LE(SEGMENT_VERSION + 1, 8)
  writeFileSync(path, other)
  assert.throws(() => SegmentReader.open(path), {
    code: 'segment.damaged',
    message: new RegExp(`version ${SEGMENT_VERSION + 1}`),
  })
})

test('damage is found where it is: the rows of intact blocks can still be read', (t) => {
  const folder = folderOf(t)
  const path = join(folder, 'segment')
  const bytes = randomFrom('local damage').sample(3000)
  writeSegment(
    path,
    Array.from({ length: 64 }, (_, i) => signed(i + 1, bytes)),
  )
  const flipped = readFileSync(path)
  const last = SEGMENT_HEADER_BYTES + flipped.length - SEGMENT_HEADER_BYTES - 200
  flipped[last] = (flipped[last] as number) ^ 1
  writeFileSync(path, flipped)
  const reader = opened(t, path)
  const group = reader.groups[0] as SegmentGroup
  const into = new Uint32Array(group.words)
  group.readRows(Uint32Array.of(0), into)
  assert.throws(() => group.readRows(Uint32Array.of(group.bits - 1), into), { code: 'segment.damaged' })
  assert.throws(() => reader.check(), { code: 'segment.damaged' })
})
