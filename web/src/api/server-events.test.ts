import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEvents } from './server-events.ts'

async function eventsOf(...chunks: string[]): Promise<unknown[]> {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk))
      controller.close()
    },
  })
  return Array.fromAsync(readEvents(body))
}

test('events are read however the stream is cut', async () => {
  const stream = 'event: hits\ndata: [{"id":1}]\n\n: still here\n\nevent: end\ndata: {"state":"completed"}\n\n'
  const expected = [
    { name: 'hits', data: [{ id: 1 }] },
    { name: 'end', data: { state: 'completed' } },
  ]
  assert.deepEqual(await eventsOf(stream), expected)
  assert.deepEqual(await eventsOf(...stream), expected)
})

test('an event that was cut off is not told', async () => {
  assert.deepEqual(await eventsOf('event: hits\ndata: [1]\n\nevent: end\ndata: {"st'), [{ name: 'hits', data: [1] }])
})
