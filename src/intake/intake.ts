import type { Readable } from 'node:stream'
import type { Kysely } from 'kysely'
import type { Archives } from '../archives/index.ts'
import type { Matches } from '../matches/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { Segments } from '../segments/index.ts'
import type { BlobStore } from '../store/files/index.ts'
import type { Schema } from '../store/schema.ts'

export interface IntakeLimits {
  /** Larger uploads are refused with 413. */
  readonly uploadBytes: number
  /** Larger samples are stored and identified, not matched. */
  readonly scanBytes: number
  /** Archives in archives; 0 unpacks nothing. */
  readonly archiveDepth: number
  /** Members and unpacked bytes of one upload, over all levels. */
  readonly archiveMembers: number
  readonly archiveBytes: number
}

export declare const defaultIntakeLimits: IntakeLimits

/** What is told about a file besides its content. */
export interface Arriving {
  /** Its name as text; directories and control characters are taken out. */
  readonly filename: string
  readonly userId: number | null
  readonly tags?: readonly string[]
  readonly comment?: string | null
  readonly archivePassword?: string | null
}

export interface Arrival {
  readonly id: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly sha1: string
  readonly size: number
  /** Time of this sighting, microseconds since 1970. */
  readonly seen: number
  /** The content was here before. */
  readonly known: boolean
  /** Resolves when the sample and the members unpacked from it are processed; rejects when intake stops before. */
  readonly processed: Promise<void>
}

export interface QueueStatus {
  readonly queued: number
  readonly processing: number
  /** Since start. */
  readonly processed: number
  readonly bytes: number
}

export declare class Intake {
  constructor(options: {
    readonly database: Kysely<Schema>
    readonly blobs: BlobStore
    readonly pool: WorkerPool
    readonly rulesets: Rulesets
    readonly matches: Matches
    readonly segments: Segments
    readonly archives: Archives
    readonly log: Log
    readonly workers: number
    readonly limits?: Partial<IntakeLimits>
  })

  /** Takes up what an earlier process left in the queue; gives how many samples that is. */
  start(): Promise<{ readonly resumed: number }>

  /** Lets running samples end, keeps the rest in the queue. */
  stop(): Promise<void>

  /**
   * Stores an uploaded content. When it resolves, content and row are durable, and the pipeline goes on by itself.
   * A stream that fails or ends early leaves nothing. Throws `upload.too-large`, `storage.full`, `service.stopping`.
   * `sizeLimit` overrides the limits' `uploadBytes`. The stream is always consumed or destroyed.
   */
  receive(stream: Readable, arriving: Arriving, sizeLimit?: number): Promise<Arrival>

  /** The same for a file on this machine, copied and hashed in a worker. Waits while the queue is long. */
  ingestFile(path: string, arriving: Arriving): Promise<Arrival>

  /** Resolves when nothing is queued or being processed. */
  idle(): Promise<void>

  status(): QueueStatus
}
