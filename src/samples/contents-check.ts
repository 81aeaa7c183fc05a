/**
 * Contents against rows: whether each sample's content is there in full, whether its bytes are those that were stored,
 * and whether each content has a sample. They come apart when a disk loses or changes files, when somebody does, or
 * when a folder is copied while it is in use.
 *
 * The contents are taken folder by folder, so memory holds 1/256 of the names. What seems wrong is looked at once more,
 * since samples come and go meanwhile.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { inParallel } from '../background/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import { type ContentStore, now, type SampleContent, type Store, whileLeased } from '../store/index.ts'

export interface ContentsReport {
  /** Samples that were looked at. */
  readonly samples: number
  /** Samples whose content is missing or of another size. */
  readonly missing: number
  /**
   * Samples whose content had other bytes; it was set aside, so it is missing now. Only where digests were verified.
   */
  readonly damaged: number
  /** Contents without a sample. */
  readonly strays: number
  /** The first of each kind, in words. */
  readonly problems: readonly string[]
}

export interface ContentsCheckOptions {
  /** Whether contents are read and hashed; else only their names and sizes are looked at. */
  readonly digests: boolean
  /** For what nobody waits for: after each step it rests, so that it takes a small part of the time only. */
  readonly isUnhurried?: boolean
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

interface Parts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
}

/** Problems listed of each kind. */
const MOST_NAMED = 20
/** Rows that are read, and contents that are under way, at once. */
const ROWS_AT_ONCE = 1_000
const AT_ONCE = 32
/** The same for a check that is not hurried, whose steps have to be short; and how much longer than a step it rests. */
const ROWS_OF_A_STEP = 64
const REST = 15

/** Resolves when all was looked at. Rejects with the signal's reason. */
export async function checkContents(parts: Parts, options: ContentsCheckOptions): Promise<ContentsReport> {
  const { samples } = parts.store
  const total = await samples.countContents()
  const found = new Findings()
  const rowsAtOnce = options.isUnhurried === true ? ROWS_OF_A_STEP : ROWS_AT_ONCE
  const pause = pausing(options)
  for (let first = 0; first < 256; first++) {
    await pause()
    // The names before the rows: a content that is admitted in between has both or is looked at again.
    const names = new Set(await parts.contents.list(first))
    for (let after: Uint8Array | null = null; ; ) {
      const rows: readonly SampleContent[] = await samples.listContents(first, after, rowsAtOnce)
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.sha256
      await lookAt(rows, parts, options, found, () => options.onProgress?.({ done: found.samples, total }))
      for (const { sha256 } of rows) names.delete(sha256.toHex())
      await pause()
    }
    for (const name of names) await lookAtStray(name, parts, found)
  }
  return found.report()
}

/** To be called between steps. */
function pausing({ isUnhurried = false, signal }: ContentsCheckOptions): () => Promise<void> {
  let began = performance.now()
  return async () => {
    signal.throwIfAborted()
    if (isUnhurried) await setTimeout(REST * (performance.now() - began), null, { signal }).catch(() => {})
    else await setImmediate()
    signal.throwIfAborted()
    began = performance.now()
  }
}

class Findings {
  samples = 0
  #missing = 0
  #damaged = 0
  #strays = 0
  readonly #problems = { missing: [] as string[], damaged: [] as string[], strays: [] as string[] }

  missing(hex: string, reason: string): void {
    this.#missing++
    this.#note('missing', `sample ${hex}: ${reason}. Send it again, or put the file back from a backup.`)
  }

  damaged(hex: string, reason: string): void {
    this.#damaged++
    this.#note('damaged', `sample ${hex}: ${reason}. What was there is in the folder "damaged"; send the sample again.`)
  }

  stray(hex: string): void {
    this.#strays++
    this.#note('strays', `content ${hex} has no sample. Ingest its file to have it as one.`)
  }

  report(): ContentsReport {
    const { missing, damaged, strays } = this.#problems
    return {
      samples: this.samples,
      missing: this.#missing,
      damaged: this.#damaged,
      strays: this.#strays,
      problems: [...damaged, ...missing, ...strays],
    }
  }

  #note(kind: 'missing' | 'damaged' | 'strays', problem: string): void {
    if (this.#problems[kind].length < MOST_NAMED) this.#problems[kind].push(problem)
  }
}

async function lookAt(
  rows: readonly SampleContent[],
  parts: Parts,
  options: ContentsCheckOptions,
  found: Findings,
  onSample: () => void,
): Promise<void> {
  await inParallel(rows, AT_ONCE, async (row) => {
    options.signal.throwIfAborted()
    await lookAtOne(row, parts, options, found)
    found.samples++
    onSample()
  })
}

async function lookAtOne(
  row: SampleContent,
  parts: Parts,
  options: ContentsCheckOptions,
  found: Findings,
): Promise<void> {
  const { store, contents } = parts
  const { id, sha256, size } = row
  const stored = await contents.size(sha256)
  if (stored !== size) {
    if (!(await store.samples.isContentOf(id, sha256)) || (await contents.size(sha256)) === size) return
    const reason = stored === null ? 'its content is missing' : `its content has ${stored} bytes instead of ${size}`
    found.missing(sha256.toHex(), reason)
    return
  }
  if (!options.digests) return
  const damage = await damageOf(row, parts, options.signal)
  if (damage === null) return
  // In turn with admitting and deleting, so that it is not another content of that name that goes.
  await contents.withLock(async () => {
    if (!(await store.samples.isContentOf(id, sha256)) || (await damageOf(row, parts, options.signal)) === null) return
    if ((await contents.size(sha256)) !== null) await contents.setAside(sha256)
    found.damaged(sha256.toHex(), damage)
    const message = `The content of this sample was not what had been stored: ${damage}. It was set aside.`
    await store.journal.add({ kind: 'content-damaged', message, created: now(), sampleId: id })
  })
}

async function damageOf(
  { sha256, size }: SampleContent,
  { contents, pool }: Parts,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { damage } = await whileLeased(contents, sha256, (path) =>
      pool.run('digest', { path, size, sha256 }, { priority: 'background', waitForRoom: true, signal }),
    )
    return damage
  } catch (error) {
    if (signal.aborted || typeof (error as NodeJS.ErrnoException).code !== 'string') throw error
    return `the content cannot be read (${(error as Error).message})`
  }
}

async function lookAtStray(name: string, { store, contents }: Parts, found: Findings): Promise<void> {
  const sha256 = Buffer.from(name, 'hex')
  // Contents come before their rows, in one turn.
  const isStray = await contents.withLock(
    async () => !(await store.samples.isStored(sha256)) && (await contents.size(sha256)) !== null,
  )
  if (isStray) found.stray(name)
}
