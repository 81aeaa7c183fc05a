import { inParallel } from '../background/index.ts'
import { revisionKey } from '../matches/index.ts'
import { everySample, isCurrentPlan, type PlannedText, planHeader } from '../planner/index.ts'
import type { RuleSet, RunnableRuleset } from '../scanning/index.ts'
import type { LiveMember, Repositories, Store } from '../store/index.ts'
import { runnableText } from '../yara/index.ts'
import { nextGeneration, readGeneration } from './generation.ts'

/** Makes the rules and the plan of a text that compiles, in a bounded process. */
export interface RulesetPlanner {
  plan(content: string): Promise<Pick<PlannedText, 'rules' | 'plan' | 'warnings'>>
}

/** Plans that are made anew at the same time: as many as there are processes for it. */
const AT_ONCE = 4

/** Plans of another version. */
export interface Replanning {
  readonly count: number
  /** Resolves when all are made anew. */
  readonly ended: Promise<void>
}

/** The enabled rulesets that compile, at one generation. */
export interface LiveSet extends RuleSet {
  readonly generation: number
  /** In the order of `rulesets`. */
  readonly members: readonly LiveMember[]
}

/**
 * Revisions as workers run them: text and plan under a key. A revision's text never changes, so what was read once is
 * kept while the revision is live.
 */
export class RunnableRulesets {
  readonly #store: Store
  readonly #planner: RulesetPlanner
  #known = new Map<number, RunnableRuleset>()
  #live: LiveSet | null = null
  /** Those that are being made, by the id of the revision. */
  readonly #planning = new Map<number, Promise<string>>()
  readonly #ending = new AbortController()
  #replanning: Promise<void> = Promise.resolve()

  constructor(store: Store, planner: RulesetPlanner) {
    this.#store = store
    this.#planner = planner
  }

  /** What runs now. The same object until the generation changes. */
  async live(): Promise<LiveSet> {
    // One transaction, so that the generation is that of these members.
    const { generation, members, found } = await this.#store.transaction('readLiveSet', async (tx) => {
      const generation = await readGeneration(tx)
      if (this.#live?.generation === generation) return { ...this.#live, found: this.#known }
      const members = await tx.rulesets.listLive()
      const revisionIds = members.map((member) => member.revisionId)
      return { generation, members, found: await this.#read(tx, revisionIds) }
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
    const found = await this.#read(this.#store, revisionIds)
    await this.#mend(found)
    return revisionIds.flatMap((id) => found.get(id) ?? [])
  }

  /**
   * Begins to make the plans anew that another version has made. Of many that takes minutes: what is wanted before its turn is
   * made when it is wanted.
   */
  async beginReplanning(): Promise<Replanning> {
    const stale = await this.#store.revisions.listPlannedOtherwise(planHeader)
    // What nodes have of them is of another version too.
    if (stale.length > 0) await this.#store.transaction('changeRules', nextGeneration)
    // One that cannot be made now is made when it is wanted.
    const replan = (id: number) => this.byRevision([id]).catch(() => {})
    this.#replanning = inParallel(stale, AT_ONCE, replan, this.#ending.signal)
    return { count: stale.length, ended: this.#replanning }
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#replanning
  }

  /** Plans anew what was stored by another version, or damaged; not within a transaction, since it takes its time. */
  async #mend(found: Map<number, RunnableRuleset>): Promise<void> {
    const unplanned = [...found].filter(([, { plan }]) => plan === NOT_PLANNED)
    await inParallel(unplanned, AT_ONCE, async ([id, ruleset]) => {
      const plan = await this.#planAnew(id, ruleset.content).catch(() => everySample('it could not be planned'))
      found.set(id, { ...ruleset, plan })
    })
  }

  /** Once, for all who want it meanwhile. */
  #planAnew(id: number, content: string): Promise<string> {
    const known = this.#planning.get(id)
    if (known !== undefined) return known
    const planning = this.#planned(id, content).finally(() => this.#planning.delete(id))
    this.#planning.set(id, planning)
    return planning
  }

  async #planned(id: number, content: string): Promise<string> {
    const { rules, plan } = await this.#planner.plan(content)
    await this.#store.revisions.setPlan(id, plan, rules)
    return plan
  }

  /** The valid ones among these revisions by id; with `NOT_PLANNED` where the stored plan is of no use. */
  async #read({ revisions }: Repositories, revisionIds: readonly number[]): Promise<Map<number, RunnableRuleset>> {
    const found = new Map<number, RunnableRuleset>()
    for (const id of revisionIds) {
      const known = this.#known.get(id)
      if (known) found.set(id, known)
    }
    for (const revision of await revisions.findRunnable(revisionIds.filter((id) => !found.has(id)))) {
      const { id, name, isTenants, leftOut, plan: stored } = revision
      const content = runnableText(revision.content, leftOut)
      const plan = stored !== null && isCurrentPlan(stored) ? stored : NOT_PLANNED
      found.set(id, { key: revisionKey(id), name, content, plan, firstStrings: isTenants })
    }
    return found
  }
}

/** Stands where a plan belongs that has yet to be made; never leaves this file. */
const NOT_PLANNED = ''
