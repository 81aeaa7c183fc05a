/** What a cluster has into a data folder. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Opened, openStores, type Stores, type StoresSettings } from '../appliance/index.ts'
import { inParallel } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { damageOf, digestOfFile, SEGMENT_OBJECTS } from '../segments/index.ts'
import {
  contentFile,
  contentFolders,
  contentKey,
  DATABASE,
  DatabaseHealth,
  demandOwnPrefix,
  lockDataFolder,
  MOVING,
  MOVING_FILE,
  makeFilesPrivate,
  openSoundStore,
  openSqliteTables,
  type Row,
  readFolderMove,
  realDisk,
  type SqliteTables,
  type TableShape,
} from '../store/index.ts'
import { removeMarker, writeMarker } from './marker.ts'
import { AT_ONCE, type Moved, type MoveOptions, type Stage } from './move.ts'
import { compareRows, copyRows, leavingOut } from './rows.ts'

const ROWS_AT_ONCE = 1_000

/**
 * Moves what a cluster has into a folder that is not there yet, is empty, or that the same move has begun to fill; the
 * cluster stays as it is. Fails as `moveIntoCluster` does.
 */
export async function moveOutOfCluster(
  settings: StoresSettings,
  data: string,
  options: MoveOptions,
  log: Log,
): Promise<Moved> {
  makeFilesPrivate()
  const opened = new Opened(log)
  try {
    demandTarget(data)
    const lock = lockDataFolder(data)
    opened.add(() => lock.release())
    const stores = await openStores(settings, new DatabaseHealth(), opened, { isMove: true })
    await demandOwnPrefix(stores.bucket, stores.store)
    return await Promise.race([new OutOfCluster(data, stores, options, opened).run(), stores.lock.lost])
  } finally {
    await opened.close()
  }
}

/** Empty, or of a move. */
function demandTarget(data: string): void {
  if (!existsSync(data) || existsSync(join(data, MOVING_FILE))) return
  const others = readdirSync(data).filter((name) => !/^(?:lost\+found|lock\.db|owner\.json(?:\.new)?)$/.test(name))
  if (others.length > 0)
    throw new Failure('settings.invalid', `${data} is not empty; name a folder that is not there yet, or empty.`)
}

class OutOfCluster {
  readonly #data: string
  readonly #stores: Stores
  readonly #options: MoveOptions
  readonly #opened: Opened
  readonly #problems: string[] = []
  #samples = 0
  #bytes = 0
  #segments = 0

  constructor(data: string, stores: Stores, options: MoveOptions, opened: Opened) {
    this.#data = data
    this.#stores = stores
    this.#options = options
    this.#opened = opened
  }

  async run(): Promise<Moved> {
    const { store } = this.#stores
    const id = await this.#begin()
    await this.#moveContents()
    const target = await this.#openTarget()
    const dropped = await this.#moveSegments(target)
    this.#demandWhole()
    const known = await target.progress()
    let stage: Stage
    if (known === null) {
      // From here on the cluster must not change: a part of its rows is in the folder.
      await store.settings.set(MOVING, JSON.stringify({ move: id, out: true }))
      stage = { move: id, stage: 'rows', dropped, table: null, after: null }
    } else stage = JSON.parse(known) as Stage
    const copying = {
      shapes: target.shapes,
      from: this.#stores.tables,
      to: target,
      change: leavingOut(stage.dropped),
      options: this.#options,
    }
    const rows = await copyRows(copying, stage)
    await compareRows(copying, rows)
    await this.#sync()
    // The source first: where this ends in between, the rows are copied anew.
    await this.#stores.tables.end()
    await target.end()
    removeMarker(this.#data)
    return { samples: this.#samples, bytes: this.#bytes, segments: this.#segments, rows, problems: this.#problems }
  }

  /** Takes the folder for this move, or goes on with it; gives the id of the move. */
  async #begin(): Promise<string> {
    const { store } = this.#stores
    const cluster = (await store.settings.find('cluster-id')) ?? ''
    const known = readFolderMove(this.#data)
    if (known !== null && known.id !== cluster)
      throw new Failure('settings.invalid', `The folder ${this.#data} has a part of another move. ${known.about}`)
    const moving = await this.#stores.tables.progress()
    if (moving !== null && (JSON.parse(moving) as { out?: true }).out !== true) {
      throw new Failure(
        'database.unusable',
        'A data folder is being moved into this database, and that did not come to its end: nothing can be moved out of it yet.',
      )
    }
    // A cluster that went on meanwhile has other rows than those that are here.
    if (moving === null && existsSync(join(this.#data, DATABASE)))
      for (const rest of ['', '-wal', '-shm']) await rm(join(this.#data, `${DATABASE}${rest}`), { force: true })
    const about = `The samples of the cluster ${cluster} are being moved to ${this.#data}, and that did not come to its end.`
    writeMarker(this.#data, { id: cluster, blocks: true, about })
    for (const folder of contentFolders) mkdirSync(join(this.#data, folder), { recursive: true })
    mkdirSync(join(this.#data, 'index'), { recursive: true })
    return cluster
  }

  async #openTarget(): Promise<SqliteTables> {
    const file = join(this.#data, DATABASE)
    const { store } = await openSoundStore(file, new DatabaseHealth())
    await store.close()
    const tables = openSqliteTables(file, { readOnly: false })
    this.#opened.add(() => tables.close())
    return tables
  }

  async #moveContents(): Promise<void> {
    const { store } = this.#stores
    let total = 0
    for (const line of await this.#stores.tables.counted()) total += bytesIn(line)
    for (let first = 0; first < 256; first++) {
      await this.#removeParts(join(this.#data, contentFolders[first] as string))
      for (let after: Uint8Array | null = null; ; ) {
        const rows = await store.samples.listContents(first, after, ROWS_AT_ONCE)
        await inParallel(rows, AT_ONCE, async ({ sha256, size }) => {
          this.#options.signal.throwIfAborted()
          const hex = Buffer.from(sha256).toString('hex')
          const problem = await this.#fetch(contentKey(hex), join(this.#data, contentFile(hex)), size, hex)
          if (problem !== null) this.#problems.push(`sample ${hex}: its content ${problem}`)
          this.#samples++
          this.#bytes += size
          this.#options.onProgress({ phase: 'contents', done: this.#bytes, total: Math.max(total, this.#bytes) })
        })
        after = rows.at(-1)?.sha256 ?? null
        if (rows.length < ROWS_AT_ONCE) break
      }
    }
  }

  /** What is wrong with an object; null where the file is there, with the digest that it has to have. */
  async #fetch(key: string, to: string, size: number, sha256: string | null): Promise<string | null> {
    const found = await stat(to).catch(() => null)
    if (found?.size === size && sha256 !== null && Buffer.from(await digestOfFile(to)).toString('hex') === sha256)
      return null
    const part = `${to}.part`
    const got = await this.#stores.bucket.download(key, part)
    if (got === null) return 'is missing'
    const expected = sha256 ?? got.declared ?? got.sha256
    const problem =
      got.size !== size ? `has ${got.size} bytes instead of ${size}` : got.sha256 !== expected ? 'was changed' : null
    if (problem === null) await rename(part, to)
    else await rm(part, { force: true })
    return problem
  }

  async #moveSegments(target: SqliteTables): Promise<number[]> {
    const { store } = this.#stores
    const table = target.shapes.find(({ name }) => name === 'segments') as TableShape
    const at = (name: string) => table.columns.findIndex((column) => column.name === name)
    const dropped: number[] = []
    const folder = join(this.#data, 'index')
    await this.#removeParts(folder)
    const total = (await store.segments.totals()).bytes
    let done = 0
    for (let after: Row | null = null; ; ) {
      const rows: Row[] = await this.#stores.tables.read(table, after)
      const last = rows.at(-1)
      if (last === undefined) return dropped
      after = last
      for (const row of rows) {
        this.#options.signal.throwIfAborted()
        const [id, file, bytes] = [Number(row[at('id')]), String(row[at('file')]), Number(row[at('bytes')])]
        if (row[at('state')] !== 'live') {
          dropped.push(id)
          continue
        }
        const to = join(folder, file)
        const isThere = (await stat(to).catch(() => null))?.size === bytes && damageOf(to) === null
        const problem = isThere ? null : await this.#fetch(`${SEGMENT_OBJECTS}${file}`, to, bytes, null)
        const damage = problem === null ? damageOf(to) : `it ${problem}`
        if (damage === null) this.#segments++
        else {
          dropped.push(id)
          this.#problems.push(`segment ${file}: ${damage}; its samples are indexed anew`)
        }
        done += bytes
        this.#options.onProgress({ phase: 'index', done, total: Math.max(total, done) })
      }
    }
  }

  /** What a move that was ended has left half done. */
  async #removeParts(folder: string): Promise<void> {
    for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true })
  }

  #demandWhole(): void {
    if (this.#problems.length === 0 || this.#options.partial) return
    throw new Failure(
      'move.incomplete',
      'The cluster has lost some of what its rows name. Send those samples again, or restore the objects; or move what there is with --partial.',
      { problems: this.#problems },
    )
  }

  async #sync(): Promise<void> {
    if (await realDisk.syncAll(this.#data)) return
    for (const folder of [...contentFolders, 'index']) {
      const path = join(this.#data, folder)
      await inParallel(await readdir(path), AT_ONCE, (name) => realDisk.sync(join(path, name)))
      await realDisk.sync(path)
    }
    await realDisk.sync(join(this.#data, DATABASE))
    await realDisk.sync(this.#data)
  }
}

/** Of a line of `Tables.counted`: what samples of a class and a state take. */
function bytesIn(line: string): number {
  return Number(/^\d+ (?:queued|processed) \d+ (\d+)$/.exec(line)?.[1] ?? 0)
}
