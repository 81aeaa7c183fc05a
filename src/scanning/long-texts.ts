/**
 * Long texts on their way to a worker. One that is sent in one go is copied whole, which holds the server's thread up for
 * tens of milliseconds a process; so each goes ahead in pieces, and the message has a mark in its place.
 */
import type { ToWorker } from './protocol.ts'

/** Characters of a text that is long, and of a piece of it. */
const LONG = 1024 * 1024
const PIECE = 128 * 1024
/** A mark is this and the number of the text; a text that begins with it travels like a long one. */
const MARK = '\0'

/** Of the texts that come before a message, in their order. */
export interface Piece {
  readonly type: 'piece'
  readonly text: string
  readonly isLast: boolean
}

/** A message with marks in place of its long texts, and these. */
export function withoutLongTexts(message: ToWorker): { readonly marked: ToWorker; readonly texts: readonly string[] } {
  const texts: string[] = []
  const marked = withTexts(message, (text) =>
    text.length > LONG || text.startsWith(MARK) ? `${MARK}${texts.push(text) - 1}` : text,
  )
  return { marked, texts }
}

export function* piecesOf(text: string): Generator<Piece> {
  for (let from = 0; ; from += PIECE) {
    const isLast = from + PIECE >= text.length
    yield { type: 'piece', text: text.slice(from, from + PIECE), isLast }
    if (isLast) return
  }
}

/** The worker's side: takes pieces, and puts the texts where the message after them has marks. */
export class ArrivingTexts {
  #texts: string[] = []
  #pieces: string[] = []

  take({ text, isLast }: Piece): void {
    this.#pieces.push(text)
    if (!isLast) return
    this.#texts.push(this.#pieces.join(''))
    this.#pieces = []
  }

  complete(message: ToWorker): ToWorker {
    if (this.#texts.length === 0) return message
    const texts = this.#texts
    this.#texts = []
    return withTexts(message, (text) => (text.startsWith(MARK) ? (texts[Number(text.slice(MARK.length))] ?? '') : text))
  }
}

/** The message with another text wherever it carries one of a user, or the plan of one. */
function withTexts(message: ToWorker, of: (text: string) => string): ToWorker {
  if (message.type === 'rulesets') {
    const rulesets = message.rulesets.map(({ ruleset, failure }) => {
      const { content, plan } = ruleset
      return { ruleset: { ...ruleset, content: of(content), plan: of(plan) }, failure }
    })
    return { ...message, rulesets }
  }
  if (message.type !== 'tasks' || !message.tasks.some(({ input }) => 'content' in input)) return message
  const tasks = message.tasks.map((task) =>
    'content' in task.input ? { ...task, input: { ...task.input, content: of(task.input.content) } } : task,
  )
  return { ...message, tasks }
}
