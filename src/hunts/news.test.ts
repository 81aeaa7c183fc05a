import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { looks } from './news.ts'

test('whoever looks slowly looks once for all that came meanwhile, misses nothing, and leaves nothing behind', async () => {
  const news = new EventEmitter()
  const abort = new AbortController()
  const looking = looks(news, 'n', abort.signal)
  assert.equal((await looking.next()).value, 1)
  // During the first look.
  for (let n = 0; n < 1_000; n++) news.emit('n')
  assert.equal((await looking.next()).value, 2)
  const third = looking.next()
  let isThere = false
  void third.then(() => {
    isThere = true
  })
  await new Promise(setImmediate)
  assert.equal(isThere, false, 'nothing came after the second look began')
  news.emit('n')
  assert.equal((await third).value, 3)
  await looking.return(0)
  assert.equal(news.listenerCount('n'), 0)
  const aborted = looks(news, 'n', abort.signal)
  await aborted.next()
  const next = aborted.next()
  abort.abort()
  await assert.rejects(next, { name: 'AbortError' })
  assert.equal(news.listenerCount('n'), 0)
})
