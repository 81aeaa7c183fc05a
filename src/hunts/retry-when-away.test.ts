import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { retryWhenAway } from './retry-when-away.ts'

test('reading is done again while the storage does not answer, and other failures are not', async () => {
  const { signal } = new AbortController()
  let tries = 0
  const read = async () => {
    if (++tries === 1) throw new Failure('storage.unavailable')
    return 'read'
  }
  assert.equal(await retryWhenAway(read, signal), 'read')
  await assert.rejects(
    retryWhenAway(() => Promise.reject(new Failure('sample.gone')), signal),
    { code: 'sample.gone' },
  )
})

test('whoever stops waiting gets the reason of the stop', async () => {
  const stop = new AbortController()
  const read = async () => {
    stop.abort(new Error('stopped'))
    throw new Failure('storage.unavailable')
  }
  await assert.rejects(retryWhenAway(read, stop.signal), /stopped/)
})
