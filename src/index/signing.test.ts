import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { noteText, randomFrom } from './fixtures.ts'
import { bitOf, type Channel, gramHash, type WindowKind } from './gram.ts'
import { PROGRAM_WORDS } from './program.ts'
import { SampleBits } from './sample-bits.ts'
import { agree, encodeSignature, hasWords, MAX_BITS, MIN_BITS, SignatureView } from './signature.ts'
import { DENSE_FROM, SignatureBuilder, sign, signFile, TEXT_FROM } from './signing.ts'

const digests = {
  md5: new Uint8Array(16).fill(1),
  sha1: new Uint8Array(20).fill(2),
  sha256: new Uint8Array(32).fill(3),
}

const FILL = 0.55

const folded = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)

/** The obvious way: every window, written down. */
function windowsOf(bytes: Uint8Array): Map<Channel, Set<number>> {
  const plain = new Set<number>()
  const wide = new Set<number>()
  const at = (offset: number) => folded(bytes[offset] as number)
  for (let i = 0; i + 4 <= bytes.length; i++)
    plain.add((at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24)) >>> 0)
  for (let i = 0; i + 8 <= bytes.length; i++)
    if ([1, 3, 5, 7].every((odd) => bytes[i + odd] === 0))
      wide.add((at(i) | (at(i + 2) << 8) | (at(i + 4) << 16) | (at(i + 6) << 24)) >>> 0)
  return new Map([
    ['plain', plain],
    ['wide', wide],
  ])
}

/** The hashes of its text windows and of its words. */
function textOf(bytes: Uint8Array): { readonly text: Set<number>; readonly words: Set<number> } {
  const [text, words] = [new Set<number>(), new Set<number>()]
  noteText(bytes.map(folded), { text: (_channel, hash) => text.add(hash), word: (_channel, hash) => words.add(hash) })
  return { text, words }
}

/** The bit array that the windows give in a signature of `bits` bits. */
function expectedBits(bytes: Uint8Array, bits: number, kind: WindowKind = 'words'): Uint8Array {
  const array = new Uint8Array(bits / 8)
  const add = (hash: number) => {
    const bit = bitOf(hash, bits)
    array[bit >> 3] = (array[bit >> 3] as number) | (1 << (bit & 7))
  }
  for (const [channel, windows] of windowsOf(bytes)) for (const window of windows) add(gramHash(channel, window))
  const { text, words } = textOf(bytes)
  if (hasWords(kind)) for (const hash of words) add(hash)
  if (kind === 'text') for (const hash of text) add(hash)
  return array
}

const fillOf = (array: Uint8Array) =>
  array.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0) / (array.length * 8)

test('a signature has exactly the bits of its windows, and the smallest size that keeps to the target fill', () => {
  const random = randomFrom('signatures against sets')
  for (let round = 0; round < 200; round++) {
    const bytes = random.sample(random.below(3000))
    const view = SignatureView.of(sign(bytes, digests))
    assert.deepEqual(view.bytes, expectedBits(bytes, view.bits))
    if (view.bits > MIN_BITS)
      assert.ok(fillOf(expectedBits(bytes, view.bits / 2)) > FILL, 'half the size would have done')
    assert.ok(fillOf(view.bytes) <= FILL || view.bits === MIN_BITS)
    for (const [channel, windows] of windowsOf(bytes))
      for (const window of windows) assert.ok(view.has(channel, window))
    for (const hash of textOf(bytes).words) assert.ok(view.hasWord(hash))
  }
})

test('the windows at the borders of what is marked at once are no different', () => {
  const random = randomFrom('borders')
  for (const length of [15, 16, 17, 31, 32, 33, 65_535, 65_536, 65_537, 65_552, 131_056, 131_072, 200_000]) {
    const bytes = random.sample(length)
    const view = SignatureView.of(sign(bytes, digests))
    assert.ok(Buffer.compare(view.bytes, expectedBits(bytes, view.bits)) === 0, `${length} bytes`)
  }
})

test('samples too short for a window have empty signatures that still carry their facts', () => {
  for (let length = 0; length < 4; length++) {
    const bytes = Uint8Array.of(0x4d, 0x5a, 0x90).subarray(0, length)
    const view = SignatureView.of(sign(bytes, digests))
    assert.equal(view.size, length)
    assert.equal(view.bits, MIN_BITS)
    assert.ok(view.bytes.every((byte) => byte === 0))
    assert.deepEqual(view.head, bytes)
  }
})

test('four bytes are one window, and letters are folded', () => {
  const view = SignatureView.of(sign(Buffer.from('A-Zn'), digests))
  assert.ok(view.has('plain', Buffer.from('a-zn').readUInt32LE()))
  assert.equal(fillOf(view.bytes) * view.bits, 1)
})

test('only A to Z are folded, each of the 256 bytes by itself', () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Uint8Array.of(0x21, byte, 0xff, 0x22)
    assert.deepEqual(SignatureView.of(sign(bytes, digests)).bytes, expectedBits(bytes, MIN_BITS), `byte ${byte}`)
  }
})

test('UTF-16 text is found in the wide channel at every alignment, characters zero included', () => {
  for (let padding = 0; padding < 9; padding++) {
    const text = Buffer.from('Invoice\0Total', 'utf16le')
    const bytes = Buffer.concat([Buffer.alloc(padding, 0xcc), text, Buffer.alloc(padding, 0xcc)])
    const view = SignatureView.of(sign(bytes, digests))
    for (let i = 0; i + 8 <= text.length; i += 2) {
      const gram = [0, 2, 4, 6].map((k) => folded(text[i + k] as number))
      assert.ok(view.has('wide', Buffer.from(gram).readUInt32LE()))
    }
  }
})

test('signing in chunks, of one byte or of many, gives the record of signing at once', () => {
  const random = randomFrom('chunks')
  for (let round = 0; round < 60; round++) {
    const bytes = random.sample(random.below(round < 50 ? 500 : 200_000))
    const builder = new SignatureBuilder(bytes.length)
    const longest = 1 + random.below(round % 3 === 0 ? 8 : 100_000)
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(longest)
      builder.update(bytes.subarray(at, at + length))
      at += length
    }
    assert.deepEqual(builder.finish(digests), sign(bytes, digests))
  }
})

test('a file is signed as its bytes are, also when it is larger than what is read at once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const random = randomFrom('files')
  for (const length of [0, 3, 70_000, 5_000_001]) {
    const bytes = random.sample(length)
    const path = join(folder, `${length}`)
    writeFileSync(path, bytes)
    assert.deepEqual(signFile(path, digests), sign(bytes, digests))
  }
})

test('a large file whose last bytes make it too full for the array that was tried first gets the larger one', () => {
  // The first array has 2^21 bits. The windows and words of so many random bytes fill it to 0.447, with the end to 0.452.
  const random = randomFrom('borderline')
  const bytes = new Uint8Array(2 ** 22)
  bytes.set(random.bytes(1_205_000))
  bytes.set(random.bytes(20_000), bytes.length - 20_000)
  const builder = new SignatureBuilder(bytes.length)
  builder.update(bytes)
  const record = builder.finish(digests)
  // Compared as buffers: the difference of large arrays takes minutes to print.
  assert.ok(Buffer.compare(sign(bytes, digests), record) === 0)
  assert.equal(SignatureView.of(sign(bytes, digests)).bits, 2 ** 22)
})

/** Half zeros, the rest a mixture, at both ends. */
function mixture(name: string, size: number): Uint8Array {
  const random = randomFrom(name)
  const bytes = new Uint8Array(size)
  bytes.set(random.sample(Math.floor(size / 3)))
  const end = random.sample(Math.floor(size / 6))
  bytes.set(end, size - end.length)
  return bytes
}

test('from 1 MB on a signature has the bits of the text windows as well, to the last of them', () => {
  for (const size of [TEXT_FROM, TEXT_FROM + 77]) {
    const bytes = mixture(`text windows ${size}`, size)
    const view = SignatureView.of(sign(bytes, digests))
    assert.equal(view.kind, 'text')
    assert.ok(Buffer.compare(view.bytes, expectedBits(bytes, view.bits, 'text')) === 0, `${size} bytes`)
    assert.ok(fillOf(view.bytes) <= 0.45 && fillOf(expectedBits(bytes, view.bits / 2, 'text')) > 0.45)
    for (const hash of textOf(bytes).text) assert.ok(view.hasText(hash))
    assert.ok([1, 2, 3, 4, 5, 6, 7, 8].some((n) => !view.hasText(n * 0x12345679)))
  }
  const small = SignatureView.of(sign(mixture('no text windows', TEXT_FROM - 1), digests))
  assert.equal(small.kind, 'words')
  assert.ok([1, 2, 3, 4, 5, 6, 7, 8].every((n) => small.hasText(n * 0x12345679)))
})

test('a word ends where something else than a letter or a digit stands, in both channels, at every place', () => {
  const texts = [
    'word',
    'a word',
    'xword',
    'wordx',
    'word_',
    '_word1',
    'w0rd',
    'WORD',
    'wo',
    'rd',
    `${'w'.repeat(32)} `,
    'w'.repeat(33),
  ]
  for (const filler of [0, 0x20, 0x41, 0xc0]) {
    for (let padding = 0; padding < 40; padding++) {
      for (const encoding of ['latin1', 'utf16le'] as const) {
        const text = texts[(padding + filler) % texts.length] as string
        const bytes = Buffer.concat([
          Buffer.alloc(padding, filler),
          Buffer.from(text, encoding),
          Buffer.alloc(20, filler),
        ])
        for (const length of [bytes.length, bytes.length - 20, bytes.length - 21]) {
          const part = bytes.subarray(0, length)
          const view = SignatureView.of(sign(part, digests))
          assert.deepEqual(view.bytes, expectedBits(part, view.bits), `${text}, ${encoding}, ${padding} × ${filler}`)
        }
      }
    }
  }
})

test('a large sample of text that hardly repeats itself has no text windows', () => {
  const random = randomFrom('prose')
  const bytes = new Uint8Array(2 * TEXT_FROM)
  bytes.set(random.bytes(TEXT_FROM / 2).map((byte) => 0x61 + (byte % 26)))
  assert.equal(SignatureView.of(sign(bytes, digests)).kind, 'words')
})

test('a dense sample has fewer bits than others with as many windows, and no text windows', () => {
  const random = randomFrom('dense')
  for (const size of [DENSE_FROM, TEXT_FROM, 5_000_000]) {
    const bytes = random.bytes(size)
    const record = sign(bytes, digests)
    const view = SignatureView.of(record)
    assert.equal(view.kind, 'words')
    const fill = fillOf(view.bytes)
    assert.ok(fill > 0.45 && fill <= 0.7, `${fill} of the bits of ${size} bytes are set`)
    const builder = new SignatureBuilder(size)
    builder.update(bytes)
    assert.ok(Buffer.compare(builder.finish(digests), record) === 0)
  }
  const sparse = SignatureView.of(sign(random.bytes(DENSE_FROM - 1), digests))
  assert.ok(fillOf(sparse.bytes) <= FILL)
})

test('records of different versions agree when what both tell is the same', () => {
  const bytes = mixture('versions', TEXT_FROM)
  const record = sign(bytes, digests)
  const older = (
    change: (byte: number, at: number) => number,
    bits = 2 ** 21,
    kind: WindowKind = bits > 2 ** 20 ? 'short' : 'words',
  ) => encodeSignature({ ...SignatureView.of(record), kind, bytes: expectedBits(bytes, bits, kind).map(change) })
  // The long windows of older versions are no windows of this one.
  assert.ok(
    agree(
      older((byte) => byte, 2 ** 21, 'long'),
      record,
    ) &&
      agree(
        record,
        older((byte) => byte, 2 ** 21, 'long'),
      ),
  )
  const { bits } = SignatureView.of(record)
  for (const size of [bits / 4, bits, bits * 4])
    assert.ok(
      agree(
        older((byte) => byte, size),
        record,
      ),
      `${size}`,
    )
  assert.ok(
    agree(
      record,
      older((byte) => byte),
    ),
  )
  assert.ok(
    !agree(
      older((byte, at) => (at < 100_000 ? 0xff : byte)),
      record,
    ),
  )
  assert.ok(
    !agree(
      older((byte) => byte ^ 0xff, bits),
      record,
    ),
  )
})

test('chunks that do not add up to the announced size are refused', () => {
  const builder = new SignatureBuilder(10)
  builder.update(new Uint8Array(9))
  assert.throws(() => builder.finish(digests), { code: 'sample.gone' })
  const more = new SignatureBuilder(1)
  more.update(new Uint8Array(100_000))
  assert.throws(() => more.finish(digests), { code: 'sample.gone' })
})

/** The words of a bit array, condensed. */
function condensed(words: Int32Array, fill = FILL): Int32Array {
  const bits = new SampleBits(words.length * 32)
  bits.bytes.set(new Uint8Array(words.buffer))
  return new Int32Array(bits.condense(fill).slice().buffer)
}

test('an array is halved to the smallest size that keeps to the target fill, by or-ing neighbouring bits', () => {
  // Four bits of a word become two of the half as large array, and so on down to four set bits, one in each quarter.
  const bits = new Int32Array(256)
  for (const quarter of [0, 64, 128, 192]) bits[quarter] = 0b1011
  assert.deepEqual(condensed(bits), Int32Array.of(0x00010001, 0x00010001))
  // One bit of every pair: halving would set them all.
  assert.equal(condensed(new Int32Array(64).fill(0x55555555)).length, 64)
  // Half of the pairs: halving fills half.
  assert.deepEqual(condensed(new Int32Array(8).fill(0x33333333)), new Int32Array(4).fill(0x55555555))
})

test('what an earlier sample has set is not in the next, also when that is larger', () => {
  const bytes = randomFrom('one after the other').bytes(100_000)
  sign(bytes, digests)
  assert.equal(fillOf(SignatureView.of(sign(Buffer.from('a-zn'), digests)).bytes) * MIN_BITS, 1)
  assert.ok(new SampleBits(2 ** 25).bytes.every((byte) => byte === 0))
})

test('a sample that fills the largest array beyond use gets no bits, and is always a candidate', () => {
  // 24 and 26 bits of 32: fills of 0.75 and 0.81.
  assert.equal(condensed(new Int32Array(MAX_BITS / 32).fill(0x00ffffff)).length, MAX_BITS / 32)
  assert.equal(condensed(new Int32Array(MAX_BITS / 32).fill(0x03ffffff)).length, 0)
  // The same fill is of use in smaller arrays, where a sample can be that full only by being very small.
  assert.equal(condensed(new Int32Array(MIN_BITS / 32).fill(0x03ffffff)).length, MIN_BITS / 32)
  const view = SignatureView.of(
    encodeSignature({
      ...digests,
      size: 5,
      head: new Uint8Array(5),
      bytes: new Uint8Array(0),
      kind: 'short',
      signers: null,
      program: null,
    }),
  )
  assert.equal(view.bits, 0)
  assert.ok(view.has('plain', 0x12345678) && view.has('wide', 0))
})

test('a flipped bit anywhere in a record is detected', () => {
  const record = sign(Buffer.from('The quick brown fox jumps over the lazy dog'), digests, {
    signers: Uint32Array.of(1, 2),
    program: new Uint32Array(PROGRAM_WORDS).fill(7),
  })
  for (let i = 0; i < record.length; i++)
    for (const bit of [1, 0x80]) {
      const flipped = record.slice()
      flipped[i] = (flipped[i] as number) ^ bit
      assert.throws(() => SignatureView.of(flipped), { code: 'signature.damaged' }, `byte ${i}`)
    }
  for (let length = 0; length < record.length; length++)
    assert.throws(() => SignatureView.of(record.subarray(0, length)), { code: 'signature.damaged' })
})

test('a signature carries its signers and its program, or that they are not known', () => {
  const bytes = Buffer.from('some program')
  for (const signers of [null, new Uint32Array(0), Uint32Array.of(5), Uint32Array.of(5, 0xffffffff)])
    for (const program of [null, new Uint32Array(0), Uint32Array.from({ length: PROGRAM_WORDS }, (_, n) => n)])
      for (const record of [
        sign(bytes, digests, { signers, program }),
        Buffer.from(sign(bytes, digests, { signers, program })),
      ]) {
        assert.deepEqual(SignatureView.of(record).signers, signers)
        assert.deepEqual(SignatureView.of(record).program, program)
      }
})

test('two signatures agree when they say the same as far as both tell', () => {
  const bytes = randomFrom('agreement').sample(3000)
  const program = new Uint32Array(PROGRAM_WORDS)
  const signedBy = (signer: number) => ({ signers: Uint32Array.of(signer), program })
  const record = sign(bytes, digests, signedBy(7))
  const view = SignatureView.of(record)
  assert.ok(agree(record, record))
  assert.ok(agree(sign(bytes, digests), record) && agree(record, sign(bytes, digests)))
  assert.ok(!agree(sign(bytes, digests, signedBy(8)), record))
  const flipped = Uint8Array.from(view.bytes, (byte, i) => (i === 5 ? byte ^ 1 : byte))
  assert.ok(!agree(encodeSignature({ ...view, bytes: flipped, signers: null }), record))
  assert.ok(!agree(encodeSignature({ ...view, program: program.map((word, n) => (n === 5 ? 1 : word)) }), record))
  assert.ok(!agree(encodeSignature({ ...view, program: new Uint32Array(0) }), record))
  assert.ok(agree(encodeSignature({ ...view, program: null }), record))
  assert.ok(!agree(encodeSignature({ ...view, size: 2999, signers: null }), record))
})
