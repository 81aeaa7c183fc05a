import { EventSourceParserStream } from 'eventsource-parser/stream'

export interface ServerEvent {
  readonly name: string
  readonly data: unknown
}

/**
 * The events of a text/event-stream whose data is JSON. EventSource would do the same, but tells nothing about why a
 * connection was refused.
 */
export async function* readEvents(body: ReadableStream<Uint8Array> | null): AsyncGenerator<ServerEvent> {
  if (!body) return
  const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>
  const reader = body.pipeThrough(decoder).pipeThrough(new EventSourceParserStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield { name: value.event ?? 'message', data: JSON.parse(value.data) }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
