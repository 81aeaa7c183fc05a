/** Signals that ask a program to stop. The first asks politely; a later one forces. */

/**
 * A Ctrl-C reaches npm and the program below it, and npm passes it on once more; so do supervisors that signal a whole
 * process group. Signals this close together are one wish.
 */
const repeatMs = 1_000

export interface Interruption {
  readonly signal: AbortSignal
  /** Resolves with the first signal's name. */
  readonly asked: Promise<NodeJS.Signals>
  /** Stops listening, so that the process can end and a signal has its usual meaning again. */
  end(): void
}

/** `force` is called at a second wish, and usually ends the process. */
export function listenForInterruption(force: () => void): Interruption {
  const abort = new AbortController()
  const { promise: asked, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let first: number | null = null
  const receive = (name: NodeJS.Signals) => {
    if (first === null) {
      first = performance.now()
      abort.abort(new DOMException('Interrupted.', 'AbortError'))
      resolve(name)
    } else if (performance.now() - first > repeatMs) force()
  }
  process.on('SIGINT', receive)
  process.on('SIGTERM', receive)
  return {
    signal: abort.signal,
    asked,
    end() {
      process.off('SIGINT', receive)
      process.off('SIGTERM', receive)
    },
  }
}
