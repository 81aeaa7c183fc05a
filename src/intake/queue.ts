import { sql } from 'kysely'
import type { KnownName } from '../samples/index.ts'
import { type Database, listOf } from '../store/index.ts'
import type { Queued } from './examination.ts'
import type { ResumeState } from './staged-file.ts'

const READ_AT_ONCE = 512

/** What somebody called the sample last, or an archive, as JSON. */
const LAST_NAME = sql<string | null>`(
  SELECT json_object('name', name, 'folder', coalesce(folder, ''), 'owner', coalesce(owner, '')) FROM sightings
  WHERE sample_id = samples.id ORDER BY source = 'member', id DESC LIMIT 1
)`

/**
 * The queue is the samples whose state is `queued`; this reads it in the order of arrival, and those first that were
 * put back. What an earlier process left is read like everything else.
 */
export class Queue {
  readonly #database: Database
  #read: Queued[] = []
  #again: number[] = []
  /** Samples up to this id have been read. */
  #cursor = 0
  #lastAtStart = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns how many samples an earlier process left, and which archives it left waiting for which members. */
  async open(): Promise<{
    readonly queued: number
    readonly waiting: readonly { id: number; parent: number | null; stage: string | null }[]
  }> {
    const { queued, last } = await this.#database
      .selectFrom('samples')
      .select(({ fn }) => [fn.countAll<number>().as('queued'), fn.max('id').as('last')])
      .where('state', '=', 'queued')
      .executeTakeFirstOrThrow()
    this.#lastAtStart = last ?? 0
    const waiting = await this.#database
      .selectFrom('samples')
      .select([
        'id',
        sql<number | null>`json_extract(intake, '$.parent')`.as('parent'),
        sql<string | null>`json_extract(intake, '$.stage')`.as('stage'),
      ])
      .where('state', '=', 'queued')
      .where(
        sql<boolean>`(json_extract(intake, '$.parent') IS NOT NULL OR json_extract(intake, '$.stage') = 'members')`,
      )
      .execute()
    return { queued, waiting }
  }

  /** Reads these samples once more. */
  putBack(ids: readonly number[]): void {
    this.#again.push(...ids)
  }

  /** The next sample; null when there is none now. */
  async next(): Promise<Queued | null> {
    if (this.#read.length === 0) await this.#fill()
    return this.#read.shift() ?? null
  }

  async #fill(): Promise<void> {
    const again = this.#again.splice(0, READ_AT_ONCE)
    const rows = await this.#database
      .selectFrom('samples')
      .select(['id', 'name', 'size', 'sha256', 'sha1', 'md5', 'sha512', 'segment_id', 'intake'])
      .select(LAST_NAME.as('known'))
      .where('state', '=', 'queued')
      .$if(again.length > 0, (query) => query.where('id', 'in', listOf(again)))
      .$if(again.length === 0, (query) => query.where('id', '>', this.#cursor))
      .orderBy('id')
      .limit(READ_AT_ONCE)
      .execute()
    for (const { id, name, known, size, sha256, sha1, md5, sha512, segment_id, intake } of rows) {
      if (again.length === 0) this.#cursor = id
      const note: ResumeState = { depth: 0, ...JSON.parse(intake ?? '{}') }
      // It is matched already; its members bring it to its end.
      if (note.stage === 'members') continue
      if (sha256 === null || md5 === null || sha512 === null) throw new Error(`Sample ${id} is queued without digests.`)
      this.#read.push({
        id,
        known: known === null ? { name, folder: '', owner: '' } : (JSON.parse(known) as KnownName),
        digests: { size, sha256, sha1, md5, sha512 },
        indexed: segment_id !== null,
        again: again.length > 0 || id <= this.#lastAtStart,
        note,
      })
    }
    // A page of nothing but waiting archives is no end.
    if (rows.length > 0 && this.#read.length === 0) await this.#fill()
  }
}
