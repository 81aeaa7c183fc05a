import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { messageOf } from '../errors/index.ts'
import { childEnvironment } from '../settings/index.ts'
import type { EngineChoice } from './engine.ts'
import type { ScanLimits } from './limits.ts'
import { type Piece, piecesOf, withoutLongTexts } from './long-texts.ts'
import { ProgressReader, type ProgressStep } from './progress-record.ts'
import type { FromWorker, ToWorker, WorkerArguments } from './protocol.ts'

/** Why a worker is gone: killed by us for taking too long or too much
 * memory, asked to end, killed with a task that is not wanted any more, or by itself. */
export type Cause = 'timeout' | 'memory' | 'ended' | 'cancelled' | 'crash'
/** The causes for which a task is at fault. */
export type LossCause = Exclude<Cause, 'ended' | 'cancelled'>

export interface WorkerEvents {
  message(message: FromWorker): void
  /** Called once; `at` is what the worker was about when it ended, `lastWords` the end of what it wrote to stderr. */
  exit(cause: Cause, at: ProgressStep | null, lastWords: string): void
}

const LAST_WORDS = 4_096
/**
 * A step may take this many times longer than allowed while the machine gives the worker too little processor time: on
 * a busy one, a scan that takes no time at all would be given up, and its match lost.
 */
const STARVED = 5
/** Of the clock that /proc/PID/stat counts in; Linux shows it with 100 ticks a second on every architecture. */
const TICK_MS = 10
/** Of a page in /proc/PID/statm; the kernels that Node's builds for Linux run on use 4 KiB pages. */
const PAGE_BYTES = 4_096

/** One child process, watched from outside: by its progress record for time, by /proc for memory. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #progressRecord: ProgressReader
  readonly #memoryLimit: number
  readonly #stallMs: number
  /** Messages that wait for pieces of long texts, and when the last of them is on its way. */
  #underWay = 0
  #sent: Promise<void> = Promise.resolve()
  #cause: Cause = 'crash'
  #lastWords = ''
  #sequence = -1
  #changed = performance.now()
  /** Processor time that it had used then, in milliseconds. */
  #usedThen = 0

  constructor(options: {
    readonly progressRecord: string
    readonly limits: ScanLimits
    readonly memoryLimit: number
    readonly engine: EngineChoice
    readonly events: WorkerEvents
  }) {
    const { events } = options
    this.#memoryLimit = options.memoryLimit
    this.#stallMs = options.limits.stallMs
    this.#progressRecord = new ProgressReader(options.progressRecord)
    const argument: WorkerArguments = {
      progressRecord: options.progressRecord,
      parent: process.pid,
      limits: options.limits,
      engine: options.engine,
    }
    this.#child = fork(new URL('./worker/main.ts', import.meta.url), [JSON.stringify(argument)], {
      serialization: 'advanced',
      execArgv: [],
      env: childEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    try {
      // The server answers people while workers grind.
      if (this.#child.pid !== undefined) setPriority(this.#child.pid, 5)
    } catch {
      // It has ended already; the `exit` event reports it.
    }
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
    })
    this.#child.on('message', (message) => events.message(message as FromWorker))
    this.#child.on('error', (error) => {
      this.#lastWords += messageOf(error)
    })
    // `close` comes after the last message and the last of stderr, and also when the process could not be started.
    this.#child.once('close', () => {
      const at = this.at()
      this.#progressRecord.close()
      events.exit(this.#cause, at, this.#lastWords.trim())
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** It was killed, and its end has not been seen yet. */
  get isDying(): boolean {
    return this.#cause !== 'crash'
  }

  /** Messages arrive in the order in which they are sent. */
  send(message: ToWorker): void {
    const { marked, texts } = withoutLongTexts(message)
    if (texts.length === 0 && this.#underWay === 0) {
      void this.#deliver(message)
      return
    }
    this.#underWay++
    this.#sent = this.#sent.then(async () => {
      for (const text of texts) {
        for (const piece of piecesOf(text)) {
          await this.#deliver(piece)
          await setImmediate()
        }
      }
      void this.#deliver(marked)
      this.#underWay--
    })
  }

  /** Resolves when it is written. A worker that has just died refuses; its `exit` follows and settles what was sent. */
  #deliver(message: ToWorker | Piece): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.connected) this.#child.send(message, () => resolve())
      else resolve()
    })
  }

  /** The step it last noted; null before the first, or in the middle of a write. */
  at(): ProgressStep | null {
    const sequence = this.#progressRecord.sequence()
    return sequence === null || sequence === 0 ? null : this.#progressRecord.step()
  }

  /** Its time starts again: something new was asked of it. */
  expectProgress(): void {
    this.#changed = performance.now()
    this.#usedThen = this.processorMs()
  }

  /** Kills the worker when its step takes longer than the step may, or when it holds too much memory. */
  inspect(hasTask: boolean): void {
    if (this.isDying) return
    const now = performance.now()
    const sequence = this.#progressRecord.sequence()
    if (sequence === null || sequence !== this.#sequence) {
      this.#sequence = sequence ?? this.#sequence
      this.expectProgress()
    } else {
      const step = this.#progressRecord.step()
      const idle = sequence === 0 || step.stage === 'idle'
      const allowed = idle ? (hasTask ? this.#stallMs : Number.POSITIVE_INFINITY) : step.allowedMs
      const elapsed = now - this.#changed
      const isOver = idle || elapsed > STARVED * allowed || this.processorMs() - this.#usedThen > allowed
      if (elapsed > allowed && isOver) {
        this.kill('timeout')
        return
      }
    }
    if (this.residentBytes() > this.#memoryLimit) this.kill('memory')
  }

  /** Milliseconds that processors have worked for it; 0 when the process is gone or the system does not report it. */
  processorMs(): number {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1')
      // The name in parentheses may hold anything; user and system time are the 12th and 13th field behind it.
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13)
      return (Number(user) + Number(system)) * TICK_MS
    } catch {
      return 0
    }
  }

  /** Resident bytes; 0 when the process is gone or the system does not report it. */
  residentBytes(): number {
    try {
      return Number(readFileSync(`/proc/${this.#child.pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
    } catch {
      return 0
    }
  }

  kill(cause: Cause): void {
    this.#cause = cause
    this.#child.kill('SIGKILL')
  }
}
