import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endedBy } from './index.ts'

test('a wait ends with the work, or with the reason of the signal, whichever comes first', {
  timeout: 10_000,
}, async () => {
  const { signal } = new AbortController()
  assert.equal(await endedBy(signal, Promise.resolve('done')), 'done')
  await assert.rejects(endedBy(signal, Promise.reject(new Error('failed'))), /failed/)

  const stopping = new AbortController()
  const never = endedBy(stopping.signal, new Promise(() => {}))
  stopping.abort(new Error('stopping'))
  await assert.rejects(never, /stopping/)
  await assert.rejects(endedBy(stopping.signal, Promise.resolve('too late')), /stopping/)
})

test('work that fails after its wait has ended troubles nobody', { timeout: 10_000 }, async () => {
  const stopping = new AbortController()
  const { promise, reject } = Promise.withResolvers<void>()
  const waiting = endedBy(stopping.signal, promise)
  stopping.abort(new Error('stopping'))
  await assert.rejects(waiting, /stopping/)
  // An unhandled rejection would fail the test.
  reject(new Error('later'))
  await new Promise((resolve) => setImmediate(resolve))
})
