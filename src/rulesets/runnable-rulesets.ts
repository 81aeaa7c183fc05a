import { revisionKey } from '../matches/index.ts'
import { everySample, isCurrentPlan, type PlannedText, planHeader } from '../planner/index.ts'
import type { RuleSet, RunnableRuleset } from '../scanning/index.ts'
import { type Database, listOf } from '../store/index.ts'
import { runnableText } from '../yara/index.ts'
import { nextGeneration, readGeneration } from './generation.ts'
import { readLeftOut } from './left-out.ts'

/** Makes the rules and the plan of a text that compiles, in a bounded process. */
export interface RulesetPlanner {
  plan(content: string): Promise<Pick<PlannedText, 'rules' | 'plan' | 'warnings'>>
}

/** Plans that are made anew at the same time: as many as there are processes for it. */
const AT_ONCE = 4

/** The enabled rulesets that compile, at one generation. */
export interface LiveSet extends RuleSet {
  readonly generation: number
  /** In the order of `rulesets`. */
  readonly members: readonly {
    readonly rulesetId: number
    readonly revisionId: number
    /** It is a tenant's, where this is a cloud. */
    readonly isTenants: boolean
  }[]
}

/**
 * Revisions as workers run them: text and plan under a key. A revision's text never changes, so what was read once is
 * kept while the revision is live.
 */
export class RunnableRulesets {
  readonly #database: Database
  readonly #planner: RulesetPlanner
  #known = new Map<number, RunnableRuleset>()
  #live: LiveSet | null = null

  constructor(database: Database, planner: RulesetPlanner) {
    this.#database = database
    this.#planner = planner
  }

  /** What runs now. The same object until the generation changes. */
  async live(): Promise<LiveSet> {
    // One transaction, so that the generation is that of these members.
    const { generation, members, found } = await this.#database.transaction().execute(async (trx) => {
      const generation = await readGeneration(trx)
      if (this.#live?.generation === generation) return { ...this.#live, found: this.#known }
      const rows = await trx
        .selectFrom('rulesets')
        .select(['id', 'revision_id', 'tenant_id'])
        .where('enabled', '=', 1)
        .where('state', '=', 'valid')
        .where('revision_id', 'is not', null)
        .orderBy('id')
        .execute()
      const members = rows.map((row) => ({
        rulesetId: row.id,
        revisionId: row.revision_id ?? 0,
        isTenants: row.tenant_id !== null,
      }))
      const revisionIds = members.map((member) => member.revisionId)
      return { generation, members, found: await this.#read(trx, revisionIds) }
    })
    if (this.#live?.generation === generation) return this.#live
    await this.#mend(found)
    const rulesets = members.map(({ revisionId }) => found.get(revisionId) as RunnableRuleset)
    this.#known = found
    this.#live = { id: `live:${generation}`, generation, rulesets, members }
    return this.#live
  }

  /** These revisions, in this order, for a hunt that goes on after a restart; those that were removed are left out. */
  async byRevision(revisionIds: readonly number[]): Promise<RunnableRuleset[]> {
    const found = await this.#read(this.#database, revisionIds)
    await this.#mend(found)
    return revisionIds.flatMap((id) => found.get(id) ?? [])
  }

  /** Makes the plans anew that another version has made, and returns how many there were. */
  async rebuildPlans(): Promise<number> {
    const stale = await this.#database
      .selectFrom('revisions')
      .select(['id', 'content', 'left_out'])
      .where('valid', '=', 1)
      .where('plan', 'not like', `${planHeader}%`)
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('revisions')
          .select((eb) => eb.fn.max('id').as('newest'))
          .where('valid', '=', 1)
          .groupBy('ruleset_id'),
      )
      .execute()
    for (let start = 0; start < stale.length; start += AT_ONCE) {
      const some = stale.slice(start, start + AT_ONCE)
      await Promise.all(
        some.map(({ id, content, left_out }) => this.#planAnew(id, runnableText(content, readLeftOut(left_out)))),
      )
    }
    if (stale.length > 0) {
      this.#known = new Map()
      await this.#database.transaction().execute((trx) => nextGeneration(trx))
    }
    return stale.length
  }

  /** Plans anew what was stored by another version, or damaged; not within a transaction, since it takes its time. */
  async #mend(found: Map<number, RunnableRuleset>): Promise<void> {
    for (const [id, ruleset] of found) {
      if (ruleset.plan !== NOT_PLANNED) continue
      const plan = await this.#planAnew(id, ruleset.content).catch(() => everySample('it could not be planned'))
      found.set(id, { ...ruleset, plan })
    }
  }

  async #planAnew(id: number, content: string): Promise<string> {
    const { rules, plan } = await this.#planner.plan(content)
    await this.#database
      .updateTable('revisions')
      .set({ plan, ...(rules !== null && { rules: JSON.stringify(rules) }) })
      .where('id', '=', id)
      .execute()
    return plan
  }

  /** The valid ones among these revisions by id; with `NOT_PLANNED` where the stored plan is of no use. */
  async #read(database: Database, revisionIds: readonly number[]): Promise<Map<number, RunnableRuleset>> {
    const found = new Map<number, RunnableRuleset>()
    for (const id of revisionIds) {
      const known = this.#known.get(id)
      if (known) found.set(id, known)
    }
    const rows = await database
      .selectFrom('revisions')
      .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
      .select(['revisions.id', 'rulesets.name', 'rulesets.tenant_id', 'revisions.content', 'revisions.plan'])
      .select('revisions.left_out')
      .where('revisions.id', 'in', listOf(revisionIds.filter((id) => !found.has(id))))
      .where('revisions.valid', '=', 1)
      .execute()
    for (const { id, name, tenant_id, content: text, left_out, plan: stored } of rows) {
      const content = runnableText(text, readLeftOut(left_out))
      const plan = stored !== null && isCurrentPlan(stored) ? stored : NOT_PLANNED
      found.set(id, { key: revisionKey(id), name, content, plan, firstStrings: tenant_id !== null })
    }
    return found
  }
}

/** Stands where a plan belongs that has yet to be made; never leaves this file. */
const NOT_PLANNED = ''
