import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainOf, setDigest } from './digests.ts'
import { isSigned, newKey, newNonce, publicKeyOf, readPublicKey, sign } from './signatures.ts'

test('what is signed holds for its payload, its nonce and its key, and for no other', () => {
  const [key, other] = [newKey(), newKey()]
  const nonce = newNonce()
  const publicKey = readPublicKey(publicKeyOf(key))
  const otherKey = readPublicKey(publicKeyOf(other))
  assert.ok(publicKey && otherKey)
  const signature = sign('payload', nonce, key)
  assert.equal(isSigned('payload', nonce, signature, publicKey), true)
  assert.equal(isSigned('payloaD', nonce, signature, publicKey), false)
  assert.equal(isSigned('payload', newNonce(), signature, publicKey), false)
  assert.equal(isSigned('payload', nonce, signature, otherKey), false)
  assert.equal(isSigned('payload', nonce, '', publicKey), false)
  assert.equal(isSigned('payload', nonce, 'no base64 at all', publicKey), false)
})

test('a text that is no key is none', () => {
  for (const text of ['', 'AAAA', 'no base64 at all', newKey()]) assert.equal(readPublicKey(text), null, text)
})

test('two sets have one digest where names, texts and switches are the same, in whatever order', () => {
  const a = { name: 'a', digest: '1', enabled: true }
  const b = { name: 'b', digest: '2', enabled: false }
  assert.equal(setDigest([a, b]), setDigest([b, a]))
  for (const other of [[a], [a, { ...b, enabled: true }], [a, { ...b, digest: '3' }], [a, { ...b, name: 'B' }], []])
    assert.notEqual(setDigest(other), setDigest([a, b]))
})

test('a chain says what a log was: each entry and all before it', () => {
  const entry = {
    ...{ sequence: 1, name: 'a', version: 1, digest: 'd', enabled: true },
    ...{ author: 'anna', appliance: 'one', change: 'c', time: 5 },
  }
  const chain = chainOf('', entry)
  assert.equal(chain, chainOf('', { ...entry }))
  assert.notEqual(chain, chainOf('x', entry))
  for (const other of [
    { sequence: 2 },
    { name: 'b' },
    { digest: null },
    { enabled: false },
    { time: 6 },
    { author: 'b' },
  ])
    assert.notEqual(chainOf('', { ...entry, ...other }), chain)
})
