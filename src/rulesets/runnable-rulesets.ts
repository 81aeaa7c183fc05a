import { revisionKey } from '../matches/index.ts'
import type { RulesetPlan } from '../planner/index.ts'
import type { RuleSet, RunnableRuleset } from '../scanning/index.ts'
import { type Database, listOf, type RuleSummary } from '../store/index.ts'
import { runnableText } from '../yara/index.ts'
import { nextGeneration, readGeneration } from './generation.ts'
import { readLeftOut } from './left-out.ts'
import { planHeader, readPlan, writePlan } from './stored-plan.ts'

/** Makes the rules and plans of a text that compiles. `version` grows when the same text would get others than before. */
export interface RulesetPlanner {
  readonly version: number
  plan(content: string): { readonly rules: readonly RuleSummary[]; readonly plan: RulesetPlan }
}

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
    const rulesets = members.map(({ revisionId }) => found.get(revisionId) as RunnableRuleset)
    this.#known = found
    this.#live = { id: `live:${generation}`, generation, rulesets, members }
    return this.#live
  }

  /** These revisions, in this order, for a hunt that goes on after a restart; those that were removed are left out. */
  async byRevision(revisionIds: readonly number[]): Promise<RunnableRuleset[]> {
    const found = await this.#read(this.#database, revisionIds)
    return revisionIds.flatMap((id) => found.get(id) ?? [])
  }

  /** Makes the plans anew that another version has made, and returns how many there were. */
  async rebuildPlans(): Promise<number> {
    const stale = await this.#database
      .selectFrom('revisions')
      .select(['id', 'content', 'left_out'])
      .where('valid', '=', 1)
      .where('plan', 'not like', `${planHeader(this.#planner.version)}%`)
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('revisions')
          .select((eb) => eb.fn.max('id').as('newest'))
          .where('valid', '=', 1)
          .groupBy('ruleset_id'),
      )
      .execute()
    for (const { id, content, left_out } of stale) {
      const { rules, plan } = this.#planner.plan(runnableText(content, readLeftOut(left_out)))
      await this.#database
        .updateTable('revisions')
        .set({ rules: JSON.stringify(rules), plan: writePlan(plan.plan, this.#planner.version) })
        .where('id', '=', id)
        .execute()
    }
    if (stale.length > 0) {
      this.#known = new Map()
      await this.#database.transaction().execute((trx) => nextGeneration(trx))
    }
    return stale.length
  }

  /** The valid ones among these revisions by id. */
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
      const plan = readPlan(stored ?? '', this.#planner.version) ?? this.#planner.plan(content).plan.plan
      found.set(id, { key: revisionKey(id), name, content, plan, firstStrings: tenant_id !== null })
    }
    return found
  }
}
