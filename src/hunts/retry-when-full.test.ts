import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { retryWhenFull } from './retry-when-full.ts'

function noted() {
  const lines: string[] = []
  const note = (_particulars: object, message: string) => void lines.push(message)
  return { lines, log: { info: note, warn: note, error: note } }
}

test('a write is done again until there is room, and the log says once that it waits', async () => {
  const { lines, log } = noted()
  let tries = 0
  const write = async () => {
    if (++tries < 3) throw new Failure('storage.full')
    return 'written'
  }
  assert.equal(await retryWhenFull(write, { hunt: 1, signal: new AbortController().signal, log }), 'written')
  assert.equal(tries, 3)
  assert.deepEqual(lines, ['the storage is full: the hunt waits until there is room'])
})

test('any other failure is passed on at once, and a hunt that is stopped waits no longer', async () => {
  const { lines, log } = noted()
  const { signal } = new AbortController()
  const broken = async () => {
    throw new Failure('hunt.failed')
  }
  await assert.rejects(retryWhenFull(broken, { hunt: 1, signal, log }), { code: 'hunt.failed' })
  assert.deepEqual(lines, [])
  const stopping = new AbortController()
  const full = async () => {
    stopping.abort(new Failure('hunt.wrong-state'))
    throw new Failure('storage.full')
  }
  await assert.rejects(retryWhenFull(full, { hunt: 1, signal: stopping.signal, log }), { code: 'hunt.wrong-state' })
})
