import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { now } from '../store/index.ts'
import { UnderWay } from './under-way.ts'

class Answer extends EventEmitter {
  destroyed = false

  destroy(): ServerResponse {
    this.destroyed = true
    this.emit('close')
    return this as unknown as ServerResponse
  }
}

const ended = () => Promise.reject(new Failure('credentials.session-ended'))

test('credentials are looked at when their time comes: those that were used meanwhile go on until their later end', async () => {
  const underWay = new UnderWay()
  const answer = new Answer()
  const looks = [async () => ({ ends: now() + 1_000 }), () => Promise.reject(new Error('busy')), ended]
  underWay.add(answer as unknown as ServerResponse, now() + 1_000, () =>
    (looks.shift() ?? assert.fail('once too often'))(),
  )
  await once(answer, 'close')
  assert.deepEqual(looks, [])
})

test('what ended by itself is looked at no more, and what never ends is looked at after a change', async () => {
  const underWay = new UnderWay()
  const gone = new Answer()
  underWay.add(gone as unknown as ServerResponse, now() + 1_000, () => assert.fail('it is gone'))
  gone.destroy()
  const lasting = new Answer()
  underWay.add(lasting as unknown as ServerResponse, null, ended)
  underWay.lookAtAll()
  await once(lasting, 'close')
})
