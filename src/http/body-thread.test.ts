import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { BodyThread } from './body-thread.ts'
import { type BodyKind, parseBody } from './body-values.ts'

const cases: readonly [BodyKind, string | Uint8Array][] = [
  ['json', '{"name":"é","rules":[1,2.5,null,true,{"a":{"b":"\\u00e9\\n"}}]}'],
  ['json', `"${'x'.repeat(5_000_000)}"`],
  ['json', '{'],
  ['json', '{"__proto__":{"admin":true}}'],
  ['json', '{"constructor":{"prototype":{"admin":true}}}'],
  ['json', '['.repeat(100)],
  ['json', Buffer.from([0x22, 0xff, 0x22])],
  ['urlencoded', 'a=1&a=2&b=%41+50%'],
  ['urlencoded', 'a=%ff'],
  ['urlencoded', 'a=&'.repeat(20_001)],
]

/** The first bytes alone, the rest in two chunks. */
const ask = (thread: BodyThread, kind: BodyKind, body: string | Uint8Array) => {
  const bytes = Buffer.from(body as string)
  const rest = [bytes.subarray(3, 5), bytes.subarray(5)]
  return thread.parse(kind, [bytes.subarray(0, 3)], Readable.from(rest))
}

const outcomeOf = async (parse: () => unknown) => {
  try {
    return { value: await parse() }
  } catch (error) {
    const { code, message, detail } = error as { code: string; message: string; detail: unknown }
    return { code, message, detail }
  }
}

test('the thread says of each body what is said of it without a thread', async (t) => {
  const thread = new BodyThread()
  t.after(() => thread.close())
  const asked = cases.map(([kind, body]) => outcomeOf(() => ask(thread, kind, body)))
  for (const [n, [kind, body]] of cases.entries()) {
    const expected = await outcomeOf(() => parseBody(kind, Buffer.from(body as string)))
    // Forms have no prototype where they are made, and the usual one where they arrive.
    assert.deepEqual(await asked[n], structuredClone(expected), `${kind} ${String(body).slice(0, 50)}`)
  }
})

test('others are served while a large body is parsed', async (t) => {
  const thread = new BodyThread()
  t.after(() => thread.close())
  await ask(thread, 'json', '[]')
  const body = `["${'\\n'.repeat(4_000_000)}"]`
  let served = 0
  let isParsed = false
  const parsed = ask(thread, 'json', body).finally(() => {
    isParsed = true
  })
  while (!isParsed) {
    await setImmediate()
    served++
  }
  assert.equal(((await parsed) as string[])[0]?.length, 4_000_000)
  assert.ok(served > 2, `only ${served} turns of the event loop`)
})

test('a body that breaks off fails with the reason, and others are parsed', async (t) => {
  const thread = new BodyThread()
  t.after(() => thread.close())
  const broken = (async function* () {
    yield Buffer.from('2')
    throw new Error('the client has gone')
  })()
  await assert.rejects(thread.parse('json', [Buffer.from('[1')], broken), /the client has gone/)
  assert.deepEqual(await ask(thread, 'json', '[2]'), [2])
})

test('a body that waits when the thread ends is refused, and the next one is parsed', async (t) => {
  const thread = new BodyThread()
  t.after(() => thread.close())
  const waiting = assert.rejects(ask(thread, 'json', '[1]'), /thread that parses large bodies has ended/)
  await thread.close()
  await waiting
  // The chunks before and after the end of a thread never become one body.
  const cutInTwo = (async function* () {
    await thread.close()
    yield Buffer.from('5]')
  })()
  await assert.rejects(thread.parse('json', [Buffer.from('[3, ')], cutInTwo), /has ended/)
  assert.deepEqual(await ask(thread, 'json', '[2]'), [2])
})
