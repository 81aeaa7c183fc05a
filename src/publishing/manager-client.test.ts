/** What a manager answers counts only if its key has signed it for this request, and texts only by their digest. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { newKey, publicKeyOf, sign } from '../manager-protocol/index.ts'
import { textDigest, unpackText } from '../rulesets/index.ts'
import { ManagerClient } from './manager-client.ts'

const never = new AbortController().signal
const key = newKey()
const entries = { entries: [], at: { sequence: 0, chain: '' }, more: false }

/** A client of a server that answers as it is told; `bodies` are what the client sent. */
async function clientOf(t: TestContext, answer: (body: string) => string) {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    bodies.push(body)
    response.end(answer(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new ManagerClient({ url, token: 'x', key: null, ca: null, timeoutMs: 10_000 })
  t.after(() => client.close())
  client.trust(publicKeyOf(key))
  return { client, bodies }
}

const signed = (payload: string, nonce: string, by = key) =>
  JSON.stringify({ payload, signature: sign(payload, nonce, by) })
const nonceOf = (body: string): string => JSON.parse(body).nonce

test('an answer that the manager has signed for the request is taken', async (t) => {
  const { client } = await clientOf(t, (body) => signed(JSON.stringify(entries), nonceOf(body)))
  assert.deepEqual(await client.snapshot('', never), entries)
})

const forged: Readonly<Record<string, (body: string) => string>> = {
  'signed with another key': (body) => signed(JSON.stringify(entries), nonceOf(body), newKey()),
  'signed for another request': () => signed(JSON.stringify(entries), '0'.repeat(32)),
  'changed after it was signed': (body) =>
    JSON.stringify({
      ...JSON.parse(signed(JSON.stringify(entries), nonceOf(body))),
      payload: JSON.stringify({ ...entries, more: true }),
    }),
}
for (const [what, answer] of Object.entries(forged)) {
  test(`an answer that was ${what} is not`, async (t) => {
    const { client } = await clientOf(t, answer)
    await assert.rejects(client.snapshot('', never), { code: 'manager.untrusted' })
  })
}

test('a text counts by its digest alone', async (t) => {
  const { client } = await clientOf(t, () => 'rule a { condition: true }')
  const digest = textDigest('rule a { condition: true }').toString('hex')
  assert.equal(await unpackText(await client.text(digest, never)), 'rule a { condition: true }')
  await assert.rejects(client.text(textDigest('rule b').toString('hex'), never), { code: 'manager.untrusted' })
})

test('a long text is sent as it is, whatever is in it', async (t) => {
  const text = `"quoted" \\ 𝒳 \u0000 \ud800 ä\n`.repeat(20_000)
  const { client, bodies } = await clientOf(t, (body) => signed('{"kind":"behind"}', nonceOf(body)))
  const change = {
    change: 'c',
    name: 'name',
    replaces: 1,
    known: 2,
    chain: '',
    author: 'ä',
    enabled: true,
    deleted: false,
  }
  assert.deepEqual(await client.publish({ ...change, text }, never), { kind: 'behind' })
  const { nonce: _, ...sent } = JSON.parse(bodies[0] ?? '')
  assert.deepEqual(sent, { ...change, text })
})
