import type { Tree, TreeCursor } from '@lezer/common'
import * as term from './parser.generated.terms.js'
import type { Span } from './syntax.ts'

/**
 * Walks a Lezer tree, one node at a time, past comments and past what error recovery left behind. A function that reads
 * a node finds the reader on it and leaves the reader on it:
 *
 *     if (reader.enter()) {
 *       do { … reader.id … } while (reader.next())
 *       reader.leave()
 *     }
 */
export class TreeReader {
  readonly text: string
  readonly #cursor: TreeCursor
  /** Nodes that error recovery has left a hole in; empty for a well-formed text. */
  readonly #broken: ReadonlySet<string>

  constructor(tree: Tree, text: string, broken: ReadonlySet<string>) {
    this.text = text
    this.#cursor = tree.cursor()
    this.#broken = broken
  }

  /** The node's kind, one of the generated terms. */
  get id(): number {
    return this.#cursor.type.id
  }

  /** The name of the node's kind; keywords and operators that stand for themselves are named so. */
  get name(): string {
    return this.#cursor.type.name
  }

  get span(): Span {
    return { from: this.#cursor.from, to: this.#cursor.to }
  }

  /** The node's own text. */
  get source(): string {
    return this.text.slice(this.#cursor.from, this.#cursor.to)
  }

  get isBroken(): boolean {
    return this.isAmong(this.#broken)
  }

  isAmong(keys: ReadonlySet<string>): boolean {
    return keys.size > 0 && keys.has(nodeKey(this.#cursor))
  }

  /** Goes to the first child that means something; false, and stays, when there is none. */
  enter(): boolean {
    if (!this.#cursor.firstChild()) return false
    if (!this.#isTrivia() || this.next()) return true
    this.leave()
    return false
  }

  /** Goes to the next sibling that means something; false, and stays on the last one passed, when there is none. */
  next(): boolean {
    while (this.#cursor.nextSibling()) if (!this.#isTrivia()) return true
    return false
  }

  leave(): void {
    this.#cursor.parent()
  }

  #isTrivia(): boolean {
    // Error nodes are numbered 0, and comments come first of all terms.
    return this.#cursor.type.id <= term.UnclosedComment
  }
}

/** Names a node within its tree. */
export function nodeKey(node: { readonly from: number; readonly to: number; readonly type: { readonly id: number } }) {
  return `${node.from}-${node.to}-${node.type.id}`
}
