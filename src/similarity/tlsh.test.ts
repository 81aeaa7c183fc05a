import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { randomFrom } from '../index/fixtures.ts'
import { hasTlsh, MOST_BYTES } from './having.ts'
import { Tlsh, tlshText } from './tlsh.ts'

/** The same bytes in each run. */
function noise(length: number, seed: string): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, n) =>
    createHash('sha512').update(`${seed} ${n}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

function digestOf(...parts: readonly Uint8Array[]): string | null {
  const tlsh = new Tlsh()
  for (const part of parts) tlsh.update(part)
  const digest = tlsh.digest()
  return digest && tlshText(digest)
}

test('a content has the same digest, in however many parts it comes', () => {
  const bytes = noise(5_000, 'parts')
  const whole = digestOf(bytes)
  assert.match(whole ?? '', /^T1[0-9A-F]{70}$/)
  for (const sizes of [[1], [2, 3], [0, 4, 1], [4_999]]) {
    const parts: Uint8Array[] = []
    for (let at = 0, n = 0; at < bytes.length; n++) {
      const size = sizes[n % sizes.length] as number
      parts.push(bytes.subarray(at, at + size))
      at += size
    }
    assert.equal(digestOf(...parts), whole, `${sizes}`)
  }
})

test('what is too short, or of too little variety, has none', () => {
  assert.equal(digestOf(), null)
  assert.equal(digestOf(noise(49, 'short')), null)
  assert.notEqual(digestOf(noise(50, 'short')), null)
  assert.equal(digestOf(Buffer.alloc(100_000)), null)
  assert.equal(digestOf(Buffer.from('ab'.repeat(50_000))), null)
})

test('programs and documents have one, up to a size', () => {
  const types = ['PE/Exe', 'PE+/Dll', 'ELF64 Little/SO', 'MachO64 Little/Exe', 'Document/None/PDF']
  for (const type of types) assert.ok(hasTlsh(type, 1_000), type)
  for (const type of ['Text/HTML', 'Binary/Archive/ZIP', 'Unknown', '', 'PEM']) assert.ok(!hasTlsh(type, 1_000), type)
  assert.deepEqual(
    [49, 50, MOST_BYTES, MOST_BYTES + 1].map((size) => hasTlsh('PE/Exe', size)),
    [false, true, true, false],
  )
})

/** Where the logarithm of the length changes, one before and one behind. */
const lengths = [
  656, 657, 854, 855, 3_171, 3_199, 3_200, 3_475, 3_476, 8_195, 8_196, 107_439, 107_440, 370_911, 370_912,
]
/** What the reference makes of it; the earlier version of Debian has neither `T1` nor digests of less than 256 bytes. */
const reference = `
import base64, json, sys, tlsh
for content in json.load(sys.stdin):
    print(tlsh.hash(base64.b64decode(content)))
`
/** That of the system, which has the packages of the system. */
const python = '/usr/bin/python3'
const hasReference = spawnSync(python, ['-c', 'import tlsh']).status === 0

test('the reference makes the same digests', {
  skip: hasReference || process.env.BACKTRAIL_NO_SKIPS === '1' ? false : 'python3-tlsh is not installed',
}, () => {
  const random = randomFrom(`${Math.floor(Math.random() * 2 ** 31)}`)
  const programs = globSync('/usr/bin/*')
    .filter((path) => statSync(path).isFile() && statSync(path).size < 1_000_000)
    .slice(0, 10)
  const contents = [
    ...lengths.map((length) => random.sample(length)),
    ...Array.from({ length: 60 }, () => random.sample(256 + random.below(20_000))),
    ...Array.from({ length: 20 }, () => random.bytes(256 + random.below(2_000))),
    // Few kinds of bytes: some of these have a digest, others none.
    ...Array.from({ length: 60 }, (_, n) => random.bytes(400).map((byte) => byte % (2 + (n % 12)))),
    ...programs.map((path) => readFileSync(path)),
  ]
  const input = JSON.stringify(contents.map((content) => Buffer.from(content).toString('base64')))
  const { stdout, stderr } = spawnSync(python, ['-c', reference], { input, encoding: 'utf8', maxBuffer: 2 ** 24 })
  const digests = stdout.split('\n').slice(0, -1)
  assert.equal(digests.length, contents.length, stderr)
  const ours = contents.map((content) => digestOf(content))
  assert.ok(ours.filter((digest) => digest === null).length > 3, 'some have none')
  for (const [n, digest] of digests.entries()) {
    const theirs = /^(?:T1)?([0-9A-F]{70})$/.exec(digest)?.[1]
    assert.equal(ours[n], theirs === undefined ? null : `T1${theirs}`, `content ${n}, of ${contents[n]?.length} bytes`)
  }
})
