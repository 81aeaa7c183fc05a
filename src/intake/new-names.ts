/**
 * Matches samples once more that came under a new name, with those enabled rulesets that ask for names. Their content is
 * the same as ever, so nothing else is done with them; they stay processed, and hunts go on to cover them.
 *
 *   arrival of a known content ──▶ row in `new_names` ──scan under all its names──▶ matches recorded, row gone
 *
 * The row is written with the arrival and goes with its matches, so a kill in between loses nothing. A sample that waits
 * in the queue under its first name has its turn here when it is processed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import { externalVariables, type KnownName, nameVariables } from '../samples/index.ts'
import {
  asksForNames,
  type Log,
  type RunnableRuleset,
  type TaskInput,
  type TaskOutput,
  type WorkerPool,
} from '../scanning/index.ts'
import { type ContentStore, type Database, listOf, now, storeOf, unitOf, whileAllLeased } from '../store/index.ts'
import type { MatchRecord } from './completion.ts'

interface NewNamesParts {
  readonly database: Database
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly log: Log
  /** Larger samples are not matched. */
  readonly scanBytes: number
}

type Verified = TaskOutput<'verify'>['results']
type Item = Omit<TaskInput<'verify'>['items'][number], 'path'>

interface Scanned {
  readonly ids: readonly number[]
  /** That were scanned with, by sample; null where no enabled ruleset asks for names. */
  readonly names: ReadonlyMap<number, readonly KnownName[]> | null
  readonly live: LiveSet
  readonly results: Verified
}

const AT_ONCE = 64
const RETRY_MS = 1_000

export class NewNames {
  readonly #parts: NewNamesParts
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #isMore = false
  /** Rows wait for samples that are in the queue still. */
  #isWaiting = false

  constructor(parts: NewNamesParts) {
    this.#parts = parts
  }

  /** There may be new names. */
  wake(): void {
    this.#isMore = true
    if (this.#running !== null || this.#stopping.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = null
      if (this.#isMore) this.wake()
    })
  }

  wakeForProcessed(): void {
    if (this.#isWaiting) this.wake()
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('Intake is stopping.'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#isMore && !signal.aborted) {
      this.#isMore = false
      try {
        while (!signal.aborted && (await this.#matchSome())) {}
      } catch (error) {
        if (signal.aborted) return
        this.#parts.log.error({ err: error }, 'samples could not be matched under new names now, and are tried again')
        this.#isMore = true
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** False when nothing is left to do now. */
  async #matchSome(): Promise<boolean> {
    const { database, rulesets } = this.#parts
    // Set before looking: a sample may be processed between the two questions.
    this.#isWaiting = true
    const rows = await database
      .selectFrom('new_names')
      .innerJoin('samples', 'samples.id', 'new_names.sample_id')
      .select(['samples.id', 'samples.sha256', 'samples.size', 'samples.file_type'])
      .where('samples.state', '=', 'processed')
      .orderBy('samples.id')
      .limit(AT_ONCE)
      .execute()
    if (rows.length === 0) {
      this.#isWaiting = (await database.selectFrom('new_names').select('sample_id').limit(1).execute()).length > 0
      return false
    }
    const ids = rows.map(({ id }) => id)
    const live = await rulesets.liveSet()
    const asking = live.rulesets.filter(asksForNames)
    // Nobody asks: which names there are does not matter.
    const names = asking.length === 0 ? new Map<number, never>() : await storeOf(database).arrivals.names(ids)
    const items: Item[] = []
    for (const { id, sha256, size, file_type } of rows) {
      const [first, ...others] = names.get(id) ?? []
      if (first === undefined || sha256 === null || size > this.#parts.scanBytes) continue
      const without = new Set(await rulesets.givenUpOn(id))
      items.push({
        sample: id,
        sha256,
        size,
        variables: externalVariables(first, file_type),
        alsoNamed: others.map(nameVariables),
        rulesets: asking.map(({ key }) => key).filter((key) => !without.has(key)),
      })
    }
    const results = items.length === 0 ? [] : await this.#scan(live, asking, items)
    await this.#record({ ids, names: asking.length === 0 ? null : names, live, results })
    return true
  }

  async #scan(live: LiveSet, asking: readonly RunnableRuleset[], items: readonly Item[]): Promise<Verified> {
    const { pool, contents } = this.#parts
    const id = `names:${live.generation}`
    pool.setRuleSet({ id, rulesets: asking })
    try {
      const how = { priority: 'live', waitForRoom: true, signal: this.#stopping.signal } as const
      return await whileAllLeased(contents, items, async (leased) => {
        const { results } = await pool.run('verify', { ruleSet: id, items: leased, strings: false }, how)
        return results
      })
    } finally {
      pool.dropRuleSet(id)
    }
  }

  /** Records what was found; rows stay where the enabled rulesets or the names are others by now. */
  async #record({ ids, names, live, results }: Scanned): Promise<void> {
    const { database, rulesets, matches } = this.#parts
    const isCurrent = await database.transaction().execute(async (trx) => {
      if ((await rulesets.generation(unitOf(trx, 'completeSamples'))) !== live.generation) return false
      const present = names && (await unitOf(trx, 'completeSamples').arrivals.names(ids))
      const unchanged = ids.filter((id) => isDeepStrictEqual(present?.get(id), names?.get(id)))
      const at = now()
      for (const { sample, hits } of results) {
        if (hits.length > 0) await matches.record(unitOf(trx, 'completeSamples'), { sampleId: sample, hits, at })
      }
      await trx.deleteFrom('new_names').where('sample_id', 'in', listOf(unchanged)).execute()
      return true
    })
    if (!isCurrent) return
    for (const { sample, errors } of results) await rulesets.reportScanErrors(sample, errors)
  }
}
