/**
 * Hunts run texts of many rules rule by rule. What a hunt asks and what it answers is about texts all the same: a text is
 * taken apart on the way to the scan, and its parts are put together on the way back.
 *
 *     h7.0 (1,800 rules)     h7.0/000000, h7.0/000001 …     candidates, scans, failures: of each by itself
 *     h7.0                   h7.0                           hits, scan errors, counts: of the text
 */
import { LRUCache } from 'lru-cache'
import { FEWEST_RULES_APART, type PlannedText } from '../planner/index.ts'
import { textDigest } from '../rulesets/index.ts'
import { asksForNames, type RuleSet, type RunnableRuleset, type ScanError, type WorkerPool } from '../scanning/index.ts'
import type { Checkpoint } from './checkpoint.ts'

/** What is kept of a planned text. */
export type TextPlan = Pick<PlannedText, 'plan' | 'parts'>

/** Characters of the plans and parts that are kept. */
const KEPT_CHARACTERS = 32 * 1024 * 1024
/** Of a text that is planned before it is asked for. */
const BEGUN_CHARACTERS = 64 * 1024

/** Plans texts for hunts, in parts. Keeps the newest: an analyst who tries a rule hunts with much the same texts again. */
export class TextPlans {
  readonly #pool: Pick<WorkerPool, 'run'>
  readonly #kept = new LRUCache<string, TextPlan>({ maxSize: KEPT_CHARACTERS, sizeCalculation: charactersOf })
  /** What was begun ahead. */
  readonly #underWay = new Map<string, Promise<TextPlan>>()

  constructor(pool: Pick<WorkerPool, 'run'>) {
    this.#pool = pool
  }

  /** Begins with a text that compiles and is asked for soon. A long one is left: nobody could stop it. */
  begin(content: string): void {
    if (content.length > BEGUN_CHARACTERS) return
    const digest = textDigest(content).toString('hex')
    if (this.#kept.has(digest) || this.#underWay.has(digest)) return
    const planned = this.#plan(digest, content, new AbortController().signal)
    this.#underWay.set(digest, planned)
    const end = () => this.#underWay.delete(digest)
    planned.then(end, end)
  }

  /** Plans a text that compiles. */
  async of(content: string, signal: AbortSignal): Promise<TextPlan> {
    const digest = textDigest(content).toString('hex')
    const known = this.#kept.get(digest) ?? (await this.#underWay.get(digest)?.catch(() => undefined))
    signal.throwIfAborted()
    return known ?? this.#plan(digest, content, signal)
  }

  async #plan(digest: string, content: string, signal: AbortSignal): Promise<TextPlan> {
    const task = { content, explain: false, inParts: true }
    const { plan, parts, warnings } = await this.#pool.run('plan', task, { priority: 'interactive', signal })
    const planned = { plan, parts }
    // What could not be planned may be, once the machine is less busy.
    if (!warnings.some(({ code }) => code === 'without-index') || parts !== null) this.#kept.set(digest, planned)
    return planned
  }
}

function charactersOf({ plan, parts }: TextPlan): number {
  return plan.length + (parts ?? []).reduce((sum, { plan, content }) => sum + plan.length + content.length, 0)
}

/** The rule set with its texts of many rules taken apart. */
export async function inParts(ruleSet: RuleSet, plans: TextPlans, signal: AbortSignal): Promise<RuleSet> {
  const rulesets: RunnableRuleset[] = []
  for (const ruleset of ruleSet.rulesets) {
    rulesets.push(...(takenApart.get(ruleset) ?? (await partsOf(ruleset, plans, signal))))
  }
  return { id: ruleSet.id, rulesets }
}

/** What is known of the parts of a live ruleset holds in the next hunt. */
const takenApart = new LRUCache<RunnableRuleset, readonly RunnableRuleset[]>({
  maxSize: KEPT_CHARACTERS,
  sizeCalculation: (parts) => parts.reduce((sum, { plan, content }) => sum + plan.length + content.length, 1),
})

async function partsOf(
  ruleset: RunnableRuleset,
  plans: TextPlans,
  signal: AbortSignal,
): Promise<readonly RunnableRuleset[]> {
  const planned = hasManyRules(ruleset.content) ? await plans.of(ruleset.content, signal) : null
  // What could not be planned may be the next time.
  if (planned !== null && planned.parts === null) return [ruleset]
  const parts = planned?.parts?.map((part) => partOf(ruleset, part)) ?? [ruleset]
  takenApart.set(ruleset, parts)
  return parts
}

/** At a glance: it may say yes for a text that then is not taken apart. */
function hasManyRules(content: string): boolean {
  let count = 0
  for (const _ of content.matchAll(/\brule\s/g)) if (++count >= FEWEST_RULES_APART) return true
  return false
}

function partOf(ruleset: RunnableRuleset, { plan, ...part }: NonNullable<TextPlan['parts']>[number]): RunnableRuleset {
  return {
    // In the order of the text also where keys are sorted.
    key: `${ruleset.key}/${String(part.place).padStart(6, '0')}`,
    name: ruleset.name,
    content: part.content,
    plan,
    ...(ruleset.firstStrings !== undefined && { firstStrings: ruleset.firstStrings }),
    part: { ...part, text: ruleset.key, asksForNames: asksForNames(ruleset) },
  }
}

/** Gives a scan's answers about parts of texts as answers about the texts. */
export function ofWholeTexts({ rulesets }: RuleSet): (checkpoint: Checkpoint) => Checkpoint {
  const texts = new Map(rulesets.flatMap(({ key, part }) => (part === undefined ? [] : [[key, part.text] as const])))
  if (texts.size === 0) return (checkpoint) => checkpoint
  const textOf = (key: string) => texts.get(key) ?? key
  return (checkpoint) => ({
    ...checkpoint,
    hits: checkpoint.hits.map(({ sample, hits }) => ({
      sample,
      hits: hits.map((hit) => ({ ...hit, ruleset: textOf(hit.ruleset) })),
    })),
    errors: checkpoint.errors.map(({ sample, errors }) => ({ sample, errors: oneForEachText(errors, textOf) })),
  })
}

/** However many rules of a text failed on a sample: what they did before what was not run. */
function oneForEachText(errors: readonly ScanError[], textOf: (key: string) => string): ScanError[] {
  const first = new Map<string, ScanError>()
  for (const error of errors) {
    const ruleset = textOf(error.ruleset)
    const known = first.get(ruleset)
    if (known === undefined || (known.reason === 'quarantine' && error.reason !== 'quarantine'))
      first.set(ruleset, { ...error, ruleset })
  }
  return [...first.values()]
}
