import type { LiveSet } from '../rulesets/index.ts'
import type { KnownName } from '../samples/index.ts'
import type { TaskOutput } from '../scanning/index.ts'
import { keyOf } from './staged-file.ts'

/** What was found out about a content before its sample is admitted. */
export interface EarlyFinding {
  /** The name that the rules were evaluated with. */
  readonly known: KnownName
  readonly live: LiveSet
  readonly found: TaskOutput<'examine'>
}

/** What waits, in bytes. */
const ENOUGH = 64 * 1024 * 1024
/** What a program is made of takes about so much, and mostly far less. */
const PROGRAM_BYTES = 16 * 1024

/**
 * Most files are examined as soon as they have been copied: their content is read once, and one message does for both.
 * What was found waits here until the sample's turn comes. It is a short cut only: whatever gets lost of it is found
 * out again.
 */
export class EarlyFindings {
  /** By SHA-256. */
  readonly #findings = new Map<string, EarlyFinding>()
  #bytes = 0

  get isFull(): boolean {
    return this.#bytes >= ENOUGH
  }

  /** Drops what it has no room for. */
  keep(sha256: Uint8Array, finding: EarlyFinding): void {
    this.take(sha256)
    if (this.isFull) return
    this.#findings.set(keyOf(sha256), finding)
    this.#bytes += bytesOf(finding)
  }

  /** Gives what is kept about a content, and keeps it no longer. */
  take(sha256: Uint8Array): EarlyFinding | undefined {
    const key = keyOf(sha256)
    const finding = this.#findings.get(key)
    if (finding === undefined) return undefined
    this.#findings.delete(key)
    this.#bytes -= bytesOf(finding)
    return finding
  }
}

function bytesOf({ found: { signature, program } }: EarlyFinding): number {
  return signature.length + (program === null ? 0 : PROGRAM_BYTES)
}
