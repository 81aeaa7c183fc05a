import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Question {
  readonly text: string
  /** What to scan with the rules; one character a byte. */
  readonly samples: readonly string[]
}

export interface Answer {
  /** Whether the engine compiles the text. */
  readonly accepted: boolean
  /** Why not. */
  readonly message: string
  /** For each sample, whether a public rule matches it. */
  readonly matched: readonly boolean[]
}

/**
 * The engine as a witness. It runs in a process of its own, since some malformed texts end the whole process
 * (a brace before a character of two bytes in a regular expression, for one).
 */
export class EngineWitness {
  #child: ChildProcess | null = null

  /** Null when the engine has died of the question; the next one is asked of a new process. */
  async ask(text: string, samples: readonly string[] = []): Promise<Answer | null> {
    this.#child ??= fork(join(import.meta.dirname, 'engine-process.ts'), {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const child = this.#child
    const settled = new AbortController()
    const { signal } = settled
    try {
      const answer = once(child, 'message', { signal }).then(([message]) => message as Answer)
      const death = once(child, 'exit', { signal }).then(() => {
        this.#child = null
        return null
      })
      child.send({ text, samples } satisfies Question)
      return await Promise.race([answer, death])
    } finally {
      settled.abort()
    }
  }

  /** Ends the process, if there is one. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    const exit = once(child, 'exit')
    child.kill()
    await exit
  }
}
