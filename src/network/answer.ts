import type { IncomingMessage } from 'node:http'

/**
 * The body of an answer, in pieces. One of more than `maxBytes` bytes is read no further, and `tooLarge` gives what is
 * thrown. Rejects, as for a lost connection, where the connection ends before the answer does.
 */
export async function readAnswer(
  response: IncomingMessage,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > maxBytes) {
      response.destroy()
      throw tooLarge()
    }
    pieces.push(piece)
  }
  return pieces
}
