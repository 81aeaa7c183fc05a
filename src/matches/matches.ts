import { setImmediate } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import type { RuleHit } from '../scanning/index.ts'
import {
  type Counted,
  type FoundMatch,
  type MatchConditions,
  type MatchesFound,
  type MatchGroupsFound,
  type MatchRow,
  type MatchWalk,
  type Micros,
  type NewMatch,
  offsetOf,
  type Page,
  type Repositories,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import { reportable } from './reportable.ts'
import { revisionIdOf } from './revision-key.ts'
import { type MatchSort, type SortedMatches, type SortedPage, sortedMatches } from './sorted.ts'

/** All given conditions hold. */
export interface MatchFilter extends MatchConditions {
  /** Names. Without any, matches of all rulesets. */
  readonly rulesets?: readonly string[]
}

export interface MatchPage {
  /** Of all pages. */
  readonly count: number
  readonly results: MatchRow[]
}

interface IdsOfPage {
  readonly ids: number[]
  /** Of all pages. */
  readonly count: number
}

/** Rows read at once for a list without pages; the server answers other requests in between. */
const ROWS_AT_ONCE = 2_000

/** Runs of Local Retro whose matches are listed. */
const RUNS_KEPT = 20

/** Which rule of which ruleset holds on which sample. */
export class Matches {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Stores what a scan of one sample gave, moves `last_matched` of the rulesets, and brings the sample's
   * classification up to date; give the sample its file type before, for the threat name. Returns the matches that
   * are new; doing it again changes nothing.
   *
   * Hits are left out when the sample or the ruleset was removed meanwhile, when the ruleset was disabled, and when
   * the rule was changed: then the hit says nothing about the rule as it is now. Neither do rules that are disabled by
   * themselves have matches, nor rules on samples of their allow lists. Those of tenants are not ours.
   */
  async record(
    tx: UnitOfWork,
    scan: {
      readonly sampleId: number
      readonly hits: readonly RuleHit[]
      readonly at: Micros
      /** The run of Local Retro that found them: it lists them, those that were known too. */
      readonly run?: number
    },
  ): Promise<NewMatch[]> {
    const { sampleId, hits, at, run } = scan
    if (hits.length === 0 || !(await tx.samples.exists(sampleId))) return []
    const found = await reportable(tx, await currentHits(tx, hits), () => sampleId)
    if (found.length === 0) return []
    const added = await tx.matches.add(sampleId, found, at)
    if (run !== undefined) await tx.matches.addToRun(run, sampleId, found)
    await tx.rulesets.recordMatch([...new Set(found.map(({ rulesetId }) => rulesetId))], at)
    if (added.length > 0) await tx.classifications.update([sampleId])
    return added
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
      results.push(...(await this.#store.matches.findByIds(ids.slice(from, from + ROWS_AT_ONCE))))
    }
    return { count, results }
  }

  /**
   * Matches that fulfil a filter, those recorded last first. The page may be short or empty although more is left:
   * `next` tells, and goes on. Fails with `ruleset.not-found`.
   */
  async find(filter: MatchFilter, walk: MatchWalk): Promise<MatchesFound> {
    return this.#store.matches.search(await this.#idsOf(filter), filter, walk)
  }

  /** The same in another order, however many there are; see `sortedMatches`. Fails with `ruleset.not-found`, `parameter.out-of-range`. */
  async findSorted(filter: MatchFilter, sort: MatchSort, page: SortedPage): Promise<SortedMatches> {
    const count = await this.countKnown(filter)
    return sortedMatches(this.#store.matches, { rulesetIds: await this.#idsOf(filter), filter, count }, sort, page)
  }

  /** What `find` finds, one group for each sample or each rule. Fails with `ruleset.not-found`. */
  async findGroups(filter: MatchFilter, by: 'sample' | 'rule', walk: MatchWalk): Promise<MatchGroupsFound> {
    return this.#store.matches.searchGroups(await this.#idsOf(filter), filter, by, walk)
  }

  /** Lets go of what runs of Local Retro found before the last ones, or of a part of it once the signal is given. */
  async forgetOldRuns(signal?: AbortSignal): Promise<void> {
    await this.#store.matches.deleteOfRuns(RUNS_KEPT, signal)
  }

  /** How many `find` finds, as far as they can be counted in a moment. Fails with `ruleset.not-found`. */
  async countFound(filter: MatchFilter): Promise<Counted> {
    const count = await this.countKnown(filter)
    if (count !== null) return { count, more: false }
    return this.#store.matches.countFound(await this.#idsOf(filter), filter)
  }

  /** How many `find` finds, where no match has to be looked at for it; null otherwise. Fails with `ruleset.not-found`. */
  async countKnown({ rulesets = [], together, ...conditions }: MatchFilter): Promise<number | null> {
    const isLookedAt = Object.keys(conditions).length > 0 || (together && rulesets.length > 1)
    return isLookedAt ? null : this.count(rulesets)
  }

  /** All that `find` finds, page after page. */
  async *findAll(filter: MatchFilter): AsyncGenerator<MatchRow> {
    const rulesets = await this.#idsOf(filter)
    let walk: MatchWalk | null = { limit: ROWS_AT_ONCE }
    while (walk) {
      const found: MatchesFound = await this.#store.matches.search(rulesets, filter, walk)
      yield* found.results
      walk = found.next === null ? null : { limit: ROWS_AT_ONCE, after: found.next }
    }
  }

  /** These matches, in the order of the ids; those that are gone are left out. */
  async byIds(ids: readonly number[]): Promise<MatchRow[]> {
    return this.#store.matches.findByIds(ids)
  }

  /** How many matches the rulesets have together, without looking at them; of all rulesets when none is named. */
  async count(rulesets: readonly string[]): Promise<number> {
    return this.#store.matches.count(rulesets.length > 0 ? await this.#idsOf({ rulesets }) : null)
  }

  /** How many matches were recorded in a time, its start included and its end not. */
  async recordedBetween(from: Micros, to: Micros): Promise<number> {
    return this.#store.matches.countRecorded(from, to)
  }

  async #idsOfPage({ names, page }: { names: readonly string[]; page: Page | null }): Promise<IdsOfPage> {
    // As of one moment: with the count of an earlier one, a match that comes in between would take the place of the oldest.
    if (new Set(names).size === 1) {
      return this.#store.transaction('listMatches', async (tx) => {
        const [ruleset] = await rarestFirst(tx, names)
        if (!ruleset) throw new Failure('ruleset.name-invalid')
        const { id, matches: count } = ruleset
        const offset = page ? offsetOf(page, count) : 0
        const limit = page ? Math.min(page.size, count - offset) : count
        return { ids: await tx.matches.listIds(id, { offset, limit, count }), count }
      })
    }
    const rulesets = await rarestFirst(this.#store, names)
    const ids = await this.#store.matches.listCommonIds(rulesets.map(({ id }) => id))
    const offset = page ? offsetOf(page, ids.length) : 0
    return { ids: page ? ids.slice(offset, offset + page.size) : ids, count: ids.length }
  }

  async #idsOf({ rulesets = [] }: MatchFilter): Promise<number[]> {
    return rulesets.length > 0 ? (await rarestFirst(this.#store, rulesets)).map(({ id }) => id) : []
  }

  /** All matches of one sample, by ruleset and rule, local before cloud. */
  async ofSample(sampleId: number): Promise<MatchRow[]> {
    return this.#store.matches.findOfSample(sampleId)
  }
}

/** The named rulesets with how many matches each has, fewest first. */
async function rarestFirst(
  { matches }: Repositories,
  names: readonly string[],
): Promise<readonly { readonly id: number; readonly matches: number }[]> {
  if (names.length === 0) throw new Failure('ruleset.name-invalid')
  const wanted = [...new Set(names)]
  const found = await matches.countByName(wanted)
  const missing = wanted.find((name) => !found.some((ruleset) => ruleset.name === name))
  if (missing !== undefined) throw new Failure('ruleset.not-found', undefined, { name: missing })
  return found
}

/** The hits that still say something about the present rules of an enabled ruleset of our own. */
async function currentHits({ revisions }: UnitOfWork, hits: readonly RuleHit[]): Promise<FoundMatch[]> {
  const revisionIds = [...new Set(hits.flatMap((hit) => revisionIdOf(hit.ruleset) ?? []))]
  const rulesetOf = new Map<number, { rulesetId: number; unchanged: ReadonlySet<string> | null }>()
  for (const { id, rulesetId, current } of await revisions.findEnabled(revisionIds)) {
    const unchanged = current === id || current === null ? null : await unchangedRules(revisions, id, current)
    rulesetOf.set(id, { rulesetId, unchanged })
  }
  return hits.flatMap(({ ruleset, rule, name = null, otherNames = [] }) => {
    const revisionId = revisionIdOf(ruleset) ?? 0
    const found = rulesetOf.get(revisionId)
    if (!found || found.unchanged?.has(rule) === false) return []
    return [{ rulesetId: found.rulesetId, revisionId, rule, name, otherNames }]
  })
}

/** Names of the rules that are the same in both revisions. */
async function unchangedRules(
  revisions: UnitOfWork['revisions'],
  one: number,
  other: number,
): Promise<ReadonlySet<string>> {
  const rules = await revisions.rulesOf([one, other])
  const fingerprints = new Map((rules.get(one) ?? []).map((rule) => [rule.name, rule.fingerprint]))
  const same = (rules.get(other) ?? []).filter((rule) => fingerprints.get(rule.name) === rule.fingerprint)
  return new Set(same.map((rule) => rule.name))
}
