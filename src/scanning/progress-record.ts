/**
 * A progress record is a small file in which a worker notes what it is about to do, so that the server knows what went
 * on for too long, and what was at work when the worker died: a process that is stuck in native code, or gone, cannot
 * answer a question. The file belongs to one worker; it is overwritten in place, with one positional write a step.
 *
 * Layout, little endian:
 *
 *     0   u32   sequence   grows with each write; its last copy is at 508
 *     4   u32   task       the task's number, 0 for none (warming up)
 *     8   u32   item       index of the item within the task
 *     12  u32   allowed    milliseconds that this step may take until the next write
 *     16  u8    stage      index into `stages`
 *     17  u8    several    1: a bundle of rulesets; `key` is then empty
 *     18  u16   length     of the key in bytes
 *     20  …     key        of the ruleset at work, of a probe the module, UTF-8, at most 488 bytes
 *     508 u32   sequence   again: a reader that sees two different ones has read in the middle of a write
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'

const RECORD_LENGTH = 512
const SEQUENCE = 0
const TASK = 4
const ITEM = 8
const ALLOWED = 12
const STAGE = 16
const SEVERAL = 17
const KEY_LENGTH = 18
const KEY = 20
const SEQUENCE_COPY = 508
const MAX_KEY_LENGTH = SEQUENCE_COPY - KEY

const stages = [
  'idle',
  'read',
  'identify',
  'sign',
  'plan',
  'compile',
  'scan',
  'copyAndHash',
  'evaluate',
  'merge',
  'signers',
  'probe',
  'program',
] as const
export type Stage = (typeof stages)[number]

export interface ProgressStep {
  readonly stage: Stage
  readonly task: number
  readonly item: number
  readonly allowedMs: number
  /** The ruleset being compiled or scanned with, the module of a probe; null for a bundle and where there is none. */
  readonly ruleset: string | null
  readonly bundle: boolean
}

/** The worker's end. */
export class ProgressWriter {
  readonly #file: number
  readonly #record = Buffer.alloc(RECORD_LENGTH)
  #sequence = 0

  constructor(path: string) {
    this.#file = openSync(path, 'r+')
  }

  /** Notes the next step. Costs one small write into the page cache. */
  note(step: ProgressStep): void {
    const record = this.#record
    record.writeUInt32LE(step.task, TASK)
    record.writeUInt32LE(step.item, ITEM)
    record.writeUInt32LE(Math.min(Math.ceil(step.allowedMs), 0xffff_ffff), ALLOWED)
    record.writeUInt8(stages.indexOf(step.stage), STAGE)
    record.writeUInt8(step.bundle ? 1 : 0, SEVERAL)
    record.writeUInt16LE(record.write(step.ruleset ?? '', KEY, MAX_KEY_LENGTH, 'utf8'), KEY_LENGTH)
    this.touch()
  }

  /** Reports progress within the step of the last note; its time starts again. */
  touch(): void {
    this.#sequence = (this.#sequence + 1) >>> 0
    this.#record.writeUInt32LE(this.#sequence, SEQUENCE)
    this.#record.writeUInt32LE(this.#sequence, SEQUENCE_COPY)
    writeSync(this.#file, this.#record, 0, RECORD_LENGTH, 0)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** The server's end: makes the file and reads it, without waiting for the worker. */
export class ProgressReader {
  readonly #file: number
  readonly #record = Buffer.alloc(RECORD_LENGTH)

  /**
   * Begins the record anew. All of it is written here, over what an earlier worker left: a disk that runs full later
   * fails no note. Throws the system's error.
   */
  constructor(path: string) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      writeSync(this.#file, this.#record, 0, RECORD_LENGTH, 0)
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  /**
   * Takes the room of a record that a worker may need later, since the disk may be full by then; where there is none now,
   * nothing happens.
   */
  static reserve(path: string): void {
    try {
      new ProgressReader(path).close()
    } catch {
      // The worker's start will say so.
    }
  }

  /** Grows with each step, so that an unchanged number means an unchanged step; null in the middle of a write. */
  sequence(): number | null {
    readSync(this.#file, this.#record, 0, RECORD_LENGTH, 0)
    const sequence = this.#record.readUInt32LE(SEQUENCE)
    return sequence === this.#record.readUInt32LE(SEQUENCE_COPY) ? sequence : null
  }

  /** The step that `sequence()` last saw. */
  step(): ProgressStep {
    const record = this.#record
    const length = Math.min(record.readUInt16LE(KEY_LENGTH), MAX_KEY_LENGTH)
    return {
      stage: stages[record.readUInt8(STAGE)] ?? 'idle',
      task: record.readUInt32LE(TASK),
      item: record.readUInt32LE(ITEM),
      allowedMs: record.readUInt32LE(ALLOWED),
      ruleset: length === 0 ? null : record.toString('utf8', KEY, KEY + length),
      bundle: record.readUInt8(SEVERAL) === 1,
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}
