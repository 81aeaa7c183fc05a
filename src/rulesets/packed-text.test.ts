import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { gather, packPieces, packText, piecesOf, unpackText } from './packed-text.ts'
import { textDigest } from './text-digest.ts'

const cases: Record<string, string> = {
  'a short one': 'rule é { condition: true } // \u0000',
  'one of 64 KB': 'x'.repeat(64 * 1024),
  'one of a byte more': 'x'.repeat(64 * 1024 + 1),
  'a long one beyond ASCII': '𝒳ä'.repeat(700_000),
  'one that cannot be compressed': randomBytes(1_000_000).toString('base64'),
}

for (const [title, text] of Object.entries(cases)) {
  test(`a text is read as it was packed, and has its digest: ${title}`, async () => {
    const { digest, packed } = await packText(text)
    assert.equal(digest, textDigest(text).toString('hex'))
    assert.equal(await unpackText(packed), text)
    assert.equal((await gather(piecesOf(packed))).toString(), text)
    // As from a network, where a piece may end within a character.
    const bytes = Buffer.from(text)
    const inPieces = await packPieces([bytes.subarray(0, 7), bytes.subarray(7)])
    assert.equal(inPieces.digest, digest)
    assert.equal(await unpackText(inPieces.packed), text)
  })
}

test('a text that an earlier version stored is read', async () => {
  assert.equal(await unpackText(Buffer.from(cases['a long one beyond ASCII'] ?? '')), cases['a long one beyond ASCII'])
})

test('a long text that is damaged is an error', async () => {
  const { packed } = await packText('x'.repeat(1_000_000))
  await assert.rejects(unpackText(packed.subarray(0, packed.length - 5)))
})
