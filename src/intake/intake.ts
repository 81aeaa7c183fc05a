import { dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { Archives } from '../archives/index.ts'
import { Failure } from '../errors/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { Segments } from '../segments/index.ts'
import {
  asStorageFailure,
  type Charge,
  type ContentStore,
  type Room,
  type Scratch,
  type Store,
} from '../store/index.ts'
import { type Admitted, admit, requeueLocked } from './admission.ts'
import { Allowances } from './allowances.ts'
import type { Done, MatchRecord } from './completion.ts'
import { Examiner } from './examination.ts'
import { GroupCommit } from './group-commit.ts'
import { NewNames } from './new-names.ts'
import { Pipeline } from './pipeline.ts'
import { Queue } from './queue.ts'
import { writeHashed } from './receiving.ts'
import {
  type Called,
  calledOf,
  type IngestReceipt,
  knownNameOf,
  type StagedFile,
  sentWith,
  type UploadInfo,
} from './staged-file.ts'
import { TlshComputing } from './tlsh-computing.ts'
import { Unpacker, type UnpackingLimits } from './unpacking.ts'
import { type Waiter, Waiters } from './waiters.ts'

export interface IntakeLimits extends UnpackingLimits {
  /** Larger uploads are refused with 413. */
  readonly uploadBytes: number
  /** Larger samples are stored and identified, not matched. */
  readonly scanBytes: number
}

export interface QueueStatus {
  /** Acknowledged, and not taken up yet. */
  readonly queued: number
  readonly processing: number
  /** Samples and their bytes that were processed since the start. */
  readonly processed: number
  readonly bytes: number
}

export interface IntakeParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly scratch: Scratch
  readonly pool: WorkerPool
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly segments: Segments
  readonly archives: Archives
  readonly log: Log
  /** New samples are refused while it is not whole. */
  readonly room?: Room
  /** Who examines samples that arrive. */
  readonly jobs: Jobs
  /** Worker processes of the pool. */
  readonly workers: number
  readonly limits: IntakeLimits
}

/** Contents that are admitted in one transaction. */
const ADMITTED_AT_ONCE = 1_024
/** How long files that are taken in wait for others, so that they share sync and transaction. */
const FLUSH_DELAY_MS = 2_000
/** With more samples than this in the queue, files are no longer taken in until it shrinks. */
const LONG_QUEUE = 2_000

/** A content in memory. */
interface SmallFile {
  readonly bytes: Uint8Array
  readonly info: UploadInfo
}

/** An admitted sample, and when it will be processed. */
interface Admission {
  readonly admitted: Admitted
  readonly processed: Promise<void>
}

/** A staged file, with whoever waits for its sample. */
interface Arriving {
  readonly staged: StagedFile
  readonly waiter: Waiter | null
}

/** How long after a change of rulesets the workers get them, when no sample needs them before. */
const PREPARE_MS = 1_000

/** Ingests samples: admits them durably, then runs the pipeline. */
export class Intake {
  readonly #parts: IntakeParts
  readonly #limits: IntakeLimits
  readonly #queue: Queue
  readonly #pipeline: Pipeline
  readonly #examiner: Examiner
  readonly #newNames: NewNames
  readonly #tlshComputing: TlshComputing
  #preparing: NodeJS.Timeout | undefined
  readonly #admissions: GroupCommit<Arriving, Admission>
  readonly #waiters = new Waiters()
  /** What may come out of an upload. */
  readonly #allowance: Charge
  #backpressure: (() => void)[] = []
  #endListening: () => void = () => {}
  #stopping = false
  /** Files that workers copy now, or are about to. */
  #beingCopied = 0
  /** Below zero for a moment when a sample is taken up before its admission is counted. */
  #queued = 0
  #processed = 0
  #bytes = 0

  constructor(parts: IntakeParts) {
    const { store, contents, scratch, archives, workers } = parts
    this.#parts = parts
    this.#limits = parts.limits
    this.#allowance = { members: parts.limits.archiveMembers, bytes: parts.limits.archiveBytes }
    this.#queue = new Queue(store.intake)
    this.#admissions = new GroupCommit({
      commit: (batch) => this.#admitBatch(batch),
      most: ADMITTED_AT_ONCE,
      flushDelayMs: FLUSH_DELAY_MS,
      areMoreComing: () => this.#beingCopied > 0 && !this.#examiner.hasEnough && !this.#stopping,
    })
    this.#examiner = new Examiner({ ...parts, scanBytes: this.#limits.scanBytes })
    this.#newNames = new NewNames({ ...parts, scanBytes: this.#limits.scanBytes })
    this.#tlshComputing = new TlshComputing({
      ...parts,
      isBusy: () => this.#queued > 0 || this.#beingCopied > 0 || this.#pipeline.underWay > 0,
    })
    this.#pipeline = new Pipeline({
      ...parts,
      queue: this.#queue,
      examiner: this.#examiner,
      unpacker: new Unpacker({
        archives,
        contents,
        scratch,
        pool: parts.pool,
        examiner: this.#examiner,
        stored: store.intake,
        allowances: new Allowances(store.intake, this.#allowance),
        archiveDepth: this.#limits.archiveDepth,
        processesAtOnce: workers,
        admit: async (staged) => (await this.#add({ staged, waiter: null })).admitted,
      }),
      // Enough that small samples travel to the workers together.
      atOnce: () => 128 * workers + this.#examiner.samplesElsewhere,
      // Most are small, and wait for the commit of their members, which many share.
      unpackAtOnce: 32 * workers,
      onStarted: () => this.#recordStarted(),
      onPutBack: (count) => this.#recordPutBack(count),
      onProcessed: (samples) => this.#recordProcessed(samples),
    })
  }

  /** Takes up what an earlier process left in the queue; gives how many samples that is. */
  async start(): Promise<{ readonly resumed: number }> {
    const resumed = await this.#queue.open()
    this.#queued = resumed
    this.#endListening = this.#parts.rulesets.onChange(() => {
      this.#examiner.dropLiveSet()
      this.#prepareSoon()
    })
    this.#prepareSoon()
    this.#pipeline.wake()
    this.#newNames.wake()
    this.#tlshComputing.wake()
    return { resumed }
  }

  /**
   * Makes the enabled rulesets known to the workers before a sample needs them, so that they compile them while they
   * are idle; not at once, since whoever changes one ruleset often changes more.
   */
  #prepareSoon(): void {
    clearTimeout(this.#preparing)
    this.#preparing = setTimeout(() => {
      this.#examiner
        .prepare()
        .catch((error) => this.#parts.log.error({ err: error }, 'the rulesets could not be prepared'))
    }, PREPARE_MS)
    this.#preparing.unref()
  }

  /** Refuses new arrivals, lets samples that are being examined end, and keeps the rest in the queue. */
  async stop(): Promise<void> {
    clearTimeout(this.#preparing)
    this.#stopping = true
    this.#endListening()
    this.#letIn()
    await this.#admissions.drained()
    await Promise.all([this.#pipeline.stop(), this.#newNames.stop(), this.#tlshComputing.stop()])
    await this.#admissions.drained()
    this.#waiters.rejectAll(new Failure('service.stopping'))
  }

  /**
   * Stores an uploaded content. When it resolves, content and row are durable, and the pipeline goes on by itself. A
   * stream that fails or ends early leaves nothing. Throws `upload.too-large`, `storage.full`, `service.stopping`, or
   * the stream's error. The stream is always consumed or destroyed.
   */
  async receive(stream: Readable, info: UploadInfo, sizeLimit = this.#limits.uploadBytes): Promise<IngestReceipt> {
    if (this.#stopping) {
      stream.destroy()
      throw new Failure('service.stopping')
    }
    return this.#admitStaged(await this.#stageUpload(stream, info, { sizeLimit, synced: true }))
  }

  /**
   * The same for small contents that came together: syncs and a transaction serve all of them. An outcome for each, in
   * order.
   */
  async receiveTogether(files: readonly SmallFile[]): Promise<PromiseSettledResult<IngestReceipt>[]> {
    if (this.#stopping) throw new Failure('service.stopping')
    const bounds = { sizeLimit: this.#limits.uploadBytes, synced: false }
    const staged = await Promise.allSettled(
      files.map(({ bytes, info }) => this.#stageUpload(Readable.from([bytes]), info, bounds)),
    )
    // In one turn of the event loop, so that they are of one batch.
    return Promise.allSettled(
      staged.map(async (one) => {
        if (one.status === 'rejected') throw one.reason
        return this.#admitStaged(one.value)
      }),
    )
  }

  /**
   * The same for a file on this machine, copied and hashed in a worker. `size` is what it is thought to have: small
   * files travel to a worker together. Waits while the queue is long. Rejects with the system's error (it has a `code`)
   * when the file cannot be read.
   */
  async ingestFile(path: string, info: UploadInfo, size = Number.POSITIVE_INFINITY): Promise<IngestReceipt> {
    while (this.#queued >= LONG_QUEUE && !this.#stopping) {
      await new Promise<void>((resolve) => this.#backpressure.push(resolve))
    }
    if (this.#stopping) throw new Failure('service.stopping')
    const temporary = this.#parts.scratch.fresh()
    const called = calledOf({ ...info, folder: info.folder ?? dirname(resolve(path)) })
    const staged = await this.#stage(
      { temporary, synced: false, source: 'ingest' },
      () => called,
      info,
      async () => {
        this.#beingCopied++
        try {
          const file = { source: path, temporary, size, known: knownNameOf(called) }
          return await this.#examiner.copyAndHash(file, { group: 'copyAndHash' })
        } finally {
          this.#beingCopied--
        }
      },
    )
    return this.#admitStaged(staged)
  }

  /**
   * A processed archive of which a password is missing is unpacked once more, with this one. Durable when it resolves;
   * false where it is no such archive, or is in the queue already.
   */
  async unpackAgain(sha256: Uint8Array, password: string): Promise<boolean> {
    if (this.#stopping) throw new Failure('service.stopping')
    await this.#parts.room?.demandRoom()
    const id = await requeueLocked(this.#parts.store, sha256, password).catch((error) => this.#wakeAfter(error))
    if (id === null) return false
    this.#queued++
    this.#queue.putBack([id])
    this.#pipeline.wake()
    return true
  }

  /** Resolves when nothing is queued or being processed. */
  async idle(): Promise<void> {
    await this.#admissions.drained()
    await this.#pipeline.idle()
    await this.#newNames.idle()
  }

  /** Samples have got a new name otherwise than by an arrival. */
  matchNewNames(): void {
    this.#newNames.wake()
  }

  status(): QueueStatus {
    return {
      queued: Math.max(0, this.#queued),
      processing: this.#pipeline.underWay,
      processed: this.#processed,
      bytes: this.#bytes,
    }
  }

  #stageUpload(stream: Readable, info: UploadInfo, how: Parameters<typeof writeHashed>[2]): Promise<StagedFile> {
    const temporary = this.#parts.scratch.fresh()
    return this.#stage(
      { temporary, synced: how.synced, source: 'upload' },
      () => calledOf(info),
      info,
      () => writeHashed(stream, temporary, how),
    )
  }

  async #stage(
    file: Pick<StagedFile, 'temporary' | 'synced' | 'source'>,
    called: () => Called,
    info: UploadInfo,
    write: () => Promise<StagedFile['digests']>,
  ): Promise<StagedFile> {
    let digests: StagedFile['digests']
    try {
      await this.#parts.room?.demandRoom()
      digests = await write()
    } catch (error) {
      this.#admissions.lookAgain()
      await this.#parts.scratch.discard(file.temporary)
      throw asStorageFailure(error)
    }
    return {
      ...file,
      digests,
      ...called(),
      userId: info.userId,
      comment: info.comment || null,
      tags: [...new Set(info.tags)],
      state: sentWith(info.archivePassword || null),
      member: null,
    }
  }

  async #admitStaged(staged: StagedFile): Promise<IngestReceipt> {
    const { digests, source } = staged
    const waiter = this.#waiters.wait(digests.sha256)
    const { admitted, processed } = await this.#add({ staged, waiter }, source === 'ingest').catch((error) => {
      waiter.resolve()
      throw error
    })
    const { id, seen, known } = admitted
    return {
      id,
      sha256: Buffer.from(digests.sha256).toString('hex'),
      sha1: Buffer.from(digests.sha1).toString('hex'),
      size: digests.size,
      seen,
      known,
      processed,
    }
  }

  async #add(arriving: Arriving, canWait = false): Promise<Admission> {
    const { temporary, synced, digests } = arriving.staged
    try {
      await this.#parts.contents.putAhead({ temporary, synced, sha256: digests.sha256 })
    } catch (error) {
      this.#examiner.forget(digests)
      await this.#parts.scratch.discard(temporary)
      throw error
    }
    return this.#admissions.add(arriving, { canWait })
  }

  async #admitBatch(batch: readonly Arriving[]): Promise<readonly Admission[]> {
    const admitted = await this.#admit(batch.map(({ staged }) => staged)).catch((error) => this.#wakeAfter(error))
    for (const { id, known, requeued, reopened } of admitted) {
      if (!known || requeued) this.#queued++
      if (requeued || reopened) this.#queue.putBack([id])
    }
    if (admitted.some(({ renamed }) => renamed)) this.#newNames.wake()
    const admissions = admitted.map((sample, i) => ({
      admitted: sample,
      processed: this.#processedLater(sample, batch[i] as Arriving),
    }))
    this.#pipeline.wake()
    return admissions
  }

  /** Throws the error. What was to be put into the queue may be there. */
  #wakeAfter(error: unknown): never {
    this.#pipeline.wakeAfter(error)
    throw error
  }

  async #admit(batch: readonly StagedFile[]): Promise<readonly Admitted[]> {
    let admitted: readonly Admitted[] = []
    try {
      admitted = await admit(
        { ...this.#parts, allowance: this.#allowance, archiveDepth: this.#limits.archiveDepth },
        batch,
      )
      return admitted
    } finally {
      // Of these no sample comes that the pipeline would ask about.
      batch.forEach(({ digests }, i) => {
        if (admitted[i]?.known !== false) this.#examiner.forget(digests)
      })
    }
  }

  #processedLater({ queued, requeued, renamed }: Admitted, { staged, waiter }: Arriving): Promise<void> {
    // Nobody waits for members one by one.
    if (waiter === null) return Promise.resolve()
    if (!queued) waiter.resolve()
    // It was processed, and whoever waited then was released; the pipeline has not seen it again yet.
    const { processed } = requeued ? this.#waiters.wait(staged.digests.sha256) : waiter
    if (!renamed) return processed
    const matched = processed.then(() => this.#newNames.idle())
    // Nobody has to wait for it.
    matched.catch(() => {})
    return matched
  }

  #recordProcessed(samples: readonly Done[]): void {
    for (const { size, sha256 } of samples) {
      this.#processed++
      this.#bytes += size
      this.#waiters.release(sha256)
    }
    if (samples.length === 0) return
    this.#newNames.wakeForProcessed()
    this.#tlshComputing.wake()
  }

  #recordPutBack(count: number): void {
    this.#queued += count
  }

  #recordStarted(): void {
    this.#queued--
    if (this.#queued < LONG_QUEUE / 2) this.#letIn()
  }

  #letIn(): void {
    for (const resolve of this.#backpressure.splice(0)) resolve()
  }
}
