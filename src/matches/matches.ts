import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import type { RuleHit } from '../scanning/index.ts'
import {
  type Counted,
  type Database,
  listOf,
  type Micros,
  offsetOf,
  type Page,
  type RuleSummary,
  type Transaction,
} from '../store/index.ts'
import { reclassify } from './classification.ts'
import { countFound, findMatches, type MatchesFound, type MatchFilter, type MatchWalk } from './finding.ts'
import { commonMatchIds, type MatchRow, matchesById, matchesWithSamples, matchIds, toMatchRow } from './listing.ts'
import { revisionIdOf } from './revision-key.ts'

export interface MatchPage {
  /** Of all pages. */
  readonly count: number
  readonly results: MatchRow[]
}

/** A hit that is recorded: the rule and the revision it was found with. */
interface CurrentHit {
  readonly rulesetId: number
  readonly revisionId: number
  readonly rule: string
  readonly name: string | null
}

interface IdsOfPage {
  readonly ids: number[]
  /** Of all pages. */
  readonly count: number
}

/** Rows read at once for a list without pages; the server answers other requests in between. */
const ROWS_AT_ONCE = 2_000

/** Which rule of which ruleset holds on which sample. */
export class Matches {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Stores what a scan of one sample gave, moves `last_matched` of the rulesets, and brings the sample's
   * classification up to date; give the sample its file type before, for the threat name. Returns how many matches
   * are new; doing it again changes nothing.
   *
   * Hits are left out when the sample or the ruleset was removed meanwhile, when the ruleset was disabled, and when
   * the rule was changed: then the hit says nothing about the rule as it is now. Those of tenants are not ours.
   */
  async record(
    trx: Transaction,
    scan: { readonly sampleId: number; readonly hits: readonly RuleHit[]; readonly at: Micros },
  ): Promise<number> {
    const { sampleId, hits, at } = scan
    if (hits.length === 0) return 0
    const sample = await trx.selectFrom('samples').select('id').where('id', '=', sampleId).executeTakeFirst()
    if (!sample) return 0
    const current = await currentHits(trx, hits)
    if (current.length === 0) return 0
    const { numInsertedOrUpdatedRows: inserted = 0n } = await trx
      .insertInto('matches')
      .values(
        current.map(({ rulesetId, revisionId, rule, name }) => ({
          ruleset_id: rulesetId,
          sample_id: sampleId,
          rule,
          cloud: 0,
          revision_id: revisionId,
          created: at,
          name,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    await trx
      .updateTable('rulesets')
      .set({ last_matched: sql`max(coalesce(last_matched, 0), ${at})` })
      .where('id', 'in', [...new Set(current.map((hit) => hit.rulesetId))])
      .execute()
    if (inserted > 0n) await reclassify(trx, [sampleId])
    return Number(inserted)
  }

  /**
   * The matches of the samples that match every named ruleset, those recorded last first: one row for each rule that
   * matches and for each of local and cloud. A match that comes in while somebody turns pages moves the others on by
   * one, so that none is skipped. `page` null gives all at once.
   * Fails with `ruleset.name-invalid` when there is no name, `ruleset.not-found`, `page.beyond-end`.
   */
  async list(query: { readonly names: readonly string[]; readonly page: Page | null }): Promise<MatchPage> {
    const { ids, count } = await this.#idsOfPage(query)
    const results: MatchRow[] = []
    for (let from = 0; from < ids.length; from += ROWS_AT_ONCE) {
      if (from > 0) await setImmediate()
      results.push(...(await matchesById(this.#database, ids.slice(from, from + ROWS_AT_ONCE))))
    }
    return { count, results }
  }

  /**
   * Matches that fulfil a filter, those recorded last first. The page may be short or empty although more is left:
   * `next` tells, and goes on. Fails with `ruleset.not-found`.
   */
  async find(filter: MatchFilter, walk: MatchWalk): Promise<MatchesFound> {
    return findMatches(this.#database, await this.#idsOf(filter), filter, walk)
  }

  /** How many `find` finds, as far as they can be counted in a moment. Fails with `ruleset.not-found`. */
  async countFound(filter: MatchFilter): Promise<Counted> {
    const { rulesets = [], together, ...conditions } = filter
    if (Object.keys(conditions).length === 0 && !(together && rulesets.length > 1)) {
      return { count: await this.count(rulesets), more: false }
    }
    return countFound(this.#database, await this.#idsOf(filter), filter)
  }

  /** All that `find` finds, page after page. */
  async *findAll(filter: MatchFilter): AsyncGenerator<MatchRow> {
    const rulesets = await this.#idsOf(filter)
    let walk: MatchWalk | null = { limit: ROWS_AT_ONCE }
    while (walk) {
      const found: MatchesFound = await findMatches(this.#database, rulesets, filter, walk)
      yield* found.results
      walk = found.next === null ? null : { limit: ROWS_AT_ONCE, after: found.next }
    }
  }

  /** These matches, in the order of the ids; those that are gone are left out. */
  async byIds(ids: readonly number[]): Promise<MatchRow[]> {
    return matchesById(this.#database, ids)
  }

  /** How many matches the rulesets have together, without looking at them; of all rulesets when none is named. */
  async count(rulesets: readonly string[]): Promise<number> {
    let query = this.#database
      .selectFrom('ruleset_counts')
      .select(({ fn, lit }) => fn.coalesce(fn.sum<number>('matches'), lit(0)).as('matches'))
    if (rulesets.length > 0) query = query.where('ruleset_id', 'in', listOf(await this.#idsOf({ rulesets })))
    return (await query.executeTakeFirstOrThrow()).matches
  }

  /** How many matches were recorded in a time, its start included and its end not. */
  async recordedBetween(from: Micros, to: Micros): Promise<number> {
    const { recorded } = await this.#database
      .selectFrom('matches')
      .select(({ fn }) => fn.countAll<number>().as('recorded'))
      .where('created', '>=', from)
      .where('created', '<', to)
      .executeTakeFirstOrThrow()
    return recorded
  }

  async #idsOfPage({ names, page }: { names: readonly string[]; page: Page | null }): Promise<IdsOfPage> {
    const [rarest, ...others] = await rarestFirst(this.#database, [...new Set(names)])
    if (!rarest) throw new Failure('ruleset.name-invalid')
    if (others.length === 0) return onePage(matchIds(this.#database, rarest.id), rarest.matches, page)
    const ids = await commonMatchIds(
      this.#database,
      [rarest, ...others].map((ruleset) => ruleset.id),
    )
    const offset = page ? offsetOf(page, ids.length) : 0
    return { ids: page ? ids.slice(offset, offset + page.size) : ids, count: ids.length }
  }

  async #idsOf({ rulesets = [] }: MatchFilter): Promise<number[]> {
    const names = [...new Set(rulesets)]
    return names.length > 0 ? (await rarestFirst(this.#database, names)).map(({ id }) => id) : []
  }

  /** All matches of one sample, by ruleset and rule, local before cloud. */
  async ofSample(sampleId: number): Promise<MatchRow[]> {
    const rows = await matchesWithSamples(this.#database)
      .where('matches.sample_id', '=', sampleId)
      .orderBy('rulesets.name')
      .orderBy('matches.rule')
      .orderBy('matches.cloud')
      .execute()
    return rows.map(toMatchRow)
  }
}

/** The ids of a page, newest first, where the number of all is known: they are read off an index. */
async function onePage(all: ReturnType<typeof matchIds>, count: number, page: Page | null): Promise<IdsOfPage> {
  const offset = page ? offsetOf(page, count) : 0
  const limit = page ? Math.min(page.size, count - offset) : count
  // Skipping costs a step per row, so pages of the second half are counted from the end.
  const fromEnd = offset > count / 2
  const rows = await all
    .orderBy('matches.id', fromEnd ? 'asc' : 'desc')
    .limit(limit)
    .offset(fromEnd ? count - offset - limit : offset)
    .execute()
  const ids = rows.map((row) => row.id)
  return { ids: fromEnd ? ids.reverse() : ids, count }
}

/** The named rulesets with how many matches each has, fewest first. */
async function rarestFirst(database: Database, names: readonly string[]): Promise<{ id: number; matches: number }[]> {
  if (names.length === 0) throw new Failure('ruleset.name-invalid')
  const rows = await database
    .selectFrom('rulesets')
    .leftJoin('ruleset_counts', 'ruleset_counts.ruleset_id', 'rulesets.id')
    .select((eb) => [
      'rulesets.id',
      'rulesets.name',
      eb.fn.coalesce(eb.fn.sum<number>('matches'), eb.lit(0)).as('matches'),
    ])
    .where('rulesets.name', 'in', names)
    .where('rulesets.tenant_id', 'is', null)
    .groupBy('rulesets.id')
    .orderBy('matches')
    .execute()
  const missing = names.find((name) => !rows.some((row) => row.name === name))
  if (missing !== undefined) throw new Failure('ruleset.not-found', undefined, { name: missing })
  return rows
}

/** The hits that still say something about the present rules of an enabled ruleset of our own. */
async function currentHits(trx: Transaction, hits: readonly RuleHit[]): Promise<CurrentHit[]> {
  const revisionIds = [...new Set(hits.flatMap((hit) => revisionIdOf(hit.ruleset) ?? []))]
  const rows = await trx
    .selectFrom('revisions')
    .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
    .select(['revisions.id', 'rulesets.id as rulesetId', 'rulesets.revision_id as current'])
    .where('revisions.id', 'in', revisionIds)
    .where('rulesets.enabled', '=', 1)
    .where('rulesets.tenant_id', 'is', null)
    .execute()
  const rulesetOf = new Map<number, { rulesetId: number; unchanged: ReadonlySet<string> | null }>()
  for (const { id, rulesetId, current } of rows) {
    const unchanged = current === id || current === null ? null : await unchangedRules(trx, id, current)
    rulesetOf.set(id, { rulesetId, unchanged })
  }
  return hits.flatMap(({ ruleset, rule, name = null }) => {
    const revisionId = revisionIdOf(ruleset) ?? 0
    const found = rulesetOf.get(revisionId)
    if (!found || found.unchanged?.has(rule) === false) return []
    return [{ rulesetId: found.rulesetId, revisionId, rule, name }]
  })
}

/** Names of the rules that are the same in both revisions. */
async function unchangedRules(trx: Transaction, one: number, other: number): Promise<ReadonlySet<string>> {
  const rows = await trx.selectFrom('revisions').select('rules').where('id', 'in', [one, other]).execute()
  const [first = [], second = []] = rows.map((row) => JSON.parse(row.rules) as RuleSummary[])
  const fingerprints = new Map(first.map((rule) => [rule.name, rule.fingerprint]))
  return new Set(second.filter((rule) => fingerprints.get(rule.name) === rule.fingerprint).map((rule) => rule.name))
}
