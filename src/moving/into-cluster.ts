/** A data folder into PostgreSQL and an object store. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Opened, openStores, type Stores, type StoresSettings } from '../appliance/index.ts'
import { inParallel } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { damageOf, digestOfFile, isSegmentName, SEGMENT_OBJECTS } from '../segments/index.ts'
import {
  ChangedFile,
  CLUSTER_MARKER,
  checkDatabase,
  contentFile,
  contentFolder,
  contentKey,
  DATABASE,
  DatabaseHealth,
  DatabaseReader,
  damagedDatabase,
  demandOwnPrefix,
  type FolderMove,
  lockDataFolder,
  MOVED,
  makeFilesPrivate,
  openSoundStore,
  openSqliteTables,
  type Row,
  refuseLostDatabase,
  type SqliteTables,
  type TableShape,
} from '../store/index.ts'
import { openMarker, removeMarker, writeMarker } from './marker.ts'
import { AT_ONCE, type Moved, type MoveOptions, type Stage } from './move.ts'
import { compareRows, copyRows, leavingOut } from './rows.ts'

/** Of so many samples and fewer, the objects are listed at once: a folder of objects is a question of its own. */
const LISTED_TOGETHER = 50_000

interface Segment {
  readonly id: number
  readonly file: string
  readonly bytes: number
}

/**
 * Moves what the folder has into a database and a prefix that are empty, or that the same move has begun to fill; the folder
 * stays as it is. `data-folder.locked`, `database.locked`, `database.unusable`, `storage.unusable`, `settings.invalid` for a
 * target with something else in it, and `move.incomplete` with `problems` in its detail.
 */
export async function moveIntoCluster(
  data: string,
  settings: StoresSettings,
  options: MoveOptions,
  log: Log,
): Promise<Moved> {
  makeFilesPrivate()
  const file = join(data, DATABASE)
  if (!existsSync(file))
    throw new Failure('settings.invalid', `${file} does not exist: there is nothing to move out of ${data}.`)
  const opened = new Opened(log)
  try {
    const lock = lockDataFolder(data)
    opened.add(() => lock.release())
    await refuseLostDatabase(data, file)
    await demandSound(file, options.signal)
    const stores = await openStores(settings, new DatabaseHealth(), opened, { isMove: true })
    const source = openSqliteTables(file, { readOnly: true })
    opened.add(() => source.close())
    const reader = new DatabaseReader(file)
    opened.add(() => reader.close())
    const moving = new IntoCluster({ data, source, reader, stores, options, place: settings.store })
    // Whoever else gets the database works on it from then on.
    return await Promise.race([moving.run(), stores.lock.lost])
  } finally {
    await opened.close()
  }
}

/** Brings the schema up to date, as every start does, and reads all pages. */
async function demandSound(file: string, signal: AbortSignal): Promise<void> {
  const { store } = await openSoundStore(file, new DatabaseHealth())
  await store.close()
  const problems = await checkDatabase(file, 'full', signal)
  if (problems.length > 0) throw damagedDatabase(file, problems)
}

class IntoCluster {
  readonly #data: string
  readonly #source: SqliteTables
  readonly #reader: DatabaseReader
  readonly #stores: Stores
  readonly #options: MoveOptions
  readonly #place: string
  readonly #problems: string[] = []
  readonly #lacking = new Set<string>()
  #segments = 0

  constructor(parts: {
    readonly data: string
    readonly source: SqliteTables
    readonly reader: DatabaseReader
    readonly stores: Stores
    readonly options: MoveOptions
    readonly place: string
  }) {
    this.#data = parts.data
    this.#source = parts.source
    this.#reader = parts.reader
    this.#stores = parts.stores
    this.#options = parts.options
    this.#place = parts.place
  }

  async run(): Promise<Moved> {
    const { store } = this.#stores
    const about = `The samples of ${this.#data} are being moved to ${this.#place}, and that did not come to its end.`
    const marker = openMarker(this.#data, about)
    const { count: samples, bytes } = this.#reader.samples
    if ((await store.settings.find(MOVED)) === marker.id) {
      removeMarker(this.#data)
      return { samples, bytes, segments: this.#reader.segments().length, rows: 0, problems: [] }
    }
    let stage = await this.#begin(marker)
    await this.#moveContents(samples, bytes)
    const dropped = await this.#moveSegments()
    this.#demandWhole()
    if (stage.stage === 'contents') {
      // From here on the folder must not change: a part of its rows is elsewhere.
      writeMarker(this.#data, { ...marker, blocks: true })
      stage = { ...stage, stage: 'rows', dropped }
    }
    const copying = {
      shapes: this.#source.shapes,
      from: this.#source,
      to: this.#stores.tables,
      change: leavingOut(stage.dropped, clusterName),
      options: this.#options,
    }
    const rows = await copyRows(copying, stage)
    await compareRows(copying, rows)
    await this.#compareContents()
    await store.settings.set(MOVED, marker.id)
    await this.#stores.tables.end()
    removeMarker(this.#data)
    return { samples, bytes, segments: this.#segments, rows, problems: this.#problems }
  }

  /** Takes the target for this move, or goes on with it. */
  async #begin(marker: FolderMove): Promise<Stage> {
    const { store, bucket } = this.#stores
    const known = await this.#stores.tables.progress()
    if (known !== null) {
      const stage = JSON.parse(known) as Stage
      if (stage.move === marker.id) {
        await demandOwnPrefix(bucket, store)
        return stage
      }
      throw new Failure(
        'settings.invalid',
        'Another move into this database did not come to its end. Run that one again, or give the move an empty database and an empty prefix.',
      )
    }
    for (const table of this.#source.shapes) {
      const rows = await this.#stores.tables.count(table)
      if (rows > 0)
        throw new Failure(
          'settings.invalid',
          `The database is not empty (${table.name} has ${rows} rows): a move needs one in which no server has worked yet. DROP SCHEMA backtrail CASCADE empties it.`,
        )
    }
    for await (const page of bucket.list('')) {
      const other = page.find(({ key }) => key !== CLUSTER_MARKER)
      if (other)
        throw new Failure(
          'settings.invalid',
          `${bucket.address} is not empty (${other.key}): give the move another prefix.`,
        )
    }
    await demandOwnPrefix(bucket, store)
    writeMarker(this.#data, marker)
    const stage: Stage = { move: marker.id, stage: 'contents', dropped: [], table: null, after: null }
    await this.#stores.tables.add(this.#source.shapes[0] as TableShape, [], JSON.stringify(stage))
    return stage
  }

  async #moveContents(samples: number, total: number): Promise<void> {
    const { bucket } = this.#stores
    let done = 0
    const note = (bytes: number) => {
      done += bytes
      this.#options.onProgress({ phase: 'contents', done, total })
    }
    if (samples === 0) return
    const all = await this.#allObjects()
    for (let first = 0; first < 256; first++) {
      const there = all ?? (await this.#objects(first))
      await inParallel(this.#reader.samplesFrom(first), AT_ONCE, async ({ sha256, size }) => {
        this.#options.signal.throwIfAborted()
        const key = contentKey(sha256)
        if (there.get(sha256) !== size) {
          const path = join(this.#data, contentFile(sha256))
          const problem = await this.#store(() => bucket.putFile(key, path, Buffer.from(sha256, 'hex')), path, size)
          if (problem !== null) {
            this.#lacking.add(sha256)
            this.#problems.push(`sample ${sha256}: its content ${problem}`)
          }
        }
        note(size)
      })
    }
  }

  /** What is wrong with a file that was to be stored; null for nothing. */
  async #store(put: () => Promise<void>, path: string, size: number): Promise<string | null> {
    const found = await stat(path).catch(() => null)
    if (found === null) return 'is missing'
    if (found.size !== size) return `has ${found.size} bytes instead of ${size}`
    try {
      await put()
      return null
    } catch (error) {
      if (error instanceof ChangedFile) return 'was changed'
      if (['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return 'cannot be read'
      throw error
    }
  }

  /** Gives the ids of those that are damaged. */
  async #moveSegments(): Promise<number[]> {
    const { bucket } = this.#stores
    const dropped: number[] = []
    const live: Segment[] = []
    const table = this.#source.shapes.find(({ name }) => name === 'segments') as TableShape
    const at = (name: string) => table.columns.findIndex((column) => column.name === name)
    for (let after: Row | null = null; ; ) {
      const rows: Row[] = await this.#source.read(table, after)
      const last = rows.at(-1)
      if (last === undefined) break
      after = last
      for (const row of rows) {
        const segment = { id: Number(row[at('id')]), file: String(row[at('file')]), bytes: Number(row[at('bytes')]) }
        if (row[at('state')] === 'live') live.push(segment)
        else dropped.push(segment.id)
      }
    }
    const total = live.reduce((sum, { bytes }) => sum + bytes, 0)
    let done = 0
    for (const { id, file, bytes } of live) {
      this.#options.signal.throwIfAborted()
      const path = join(this.#data, 'index', basename(file))
      const key = `${SEGMENT_OBJECTS}${clusterName(file)}`
      const size = (await stat(path).catch(() => null))?.size ?? null
      const damage = size === null ? 'it is missing' : size !== bytes ? 'it was cut off' : damageOf(path)
      if (damage === null) {
        await bucket.putFile(key, path, await digestOfFile(path))
        this.#segments++
      } else {
        dropped.push(id)
        this.#problems.push(`segment ${basename(file)}: ${damage}; its samples are indexed anew`)
      }
      done += bytes
      this.#options.onProgress({ phase: 'index', done, total })
    }
    return dropped
  }

  #demandWhole(): void {
    if (this.#problems.length === 0 || this.#options.partial) return
    throw new Failure(
      'move.incomplete',
      `${this.#data} has lost some of what its rows name. Send those samples again, or put the files back; or move what there is with --partial.`,
      { problems: this.#problems },
    )
  }

  async #compareContents(): Promise<void> {
    const problems: string[] = []
    const all = await this.#allObjects()
    for (let first = 0; first < 256; first++) {
      const there = all ?? (await this.#objects(first))
      for (const { sha256, size } of this.#reader.samplesFrom(first))
        if (there.get(sha256) !== size && !this.#lacking.has(sha256))
          problems.push(`${contentKey(sha256)} is not there`)
    }
    if (problems.length > 0)
      throw new Failure('move.incomplete', 'The object store has not what was stored. Run the move again.', {
        problems,
      })
  }

  /** Sizes of all contents that are stored, by digest; null where they are too many. */
  async #allObjects(): Promise<Map<string, number> | null> {
    return this.#reader.samples.count <= LISTED_TOGETHER ? this.#sizesBelow(contentFolder()) : null
  }

  /** Of those whose digest begins with this byte. */
  #objects(first: number): Promise<Map<string, number>> {
    return this.#sizesBelow(contentFolder(first))
  }

  async #sizesBelow(folder: string): Promise<Map<string, number>> {
    const sizes = new Map<string, number>()
    for await (const page of this.#stores.bucket.list(folder))
      for (const { key, size } of page) sizes.set(key.slice(key.lastIndexOf('/') + 1), size)
    return sizes
  }
}

/** What earlier versions wrote had other names. */
function clusterName(file: string): string {
  const name = basename(file)
  return isSegmentName(name) ? name : `0.${createHash('sha256').update(name).digest('hex').slice(0, 32)}.segment`
}
