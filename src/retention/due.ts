/**
 * Which samples go. Candidates are walked from the one that was seen longest ago on; each is asked whether something
 * keeps it, and an archive also whether something keeps one of the members that would go along.
 */
import type { Condition } from '../query/index.ts'
import { withMembers } from '../samples/index.ts'
import type { Micros, Repositories, Sample, SampleOrder, SamplePlace } from '../store/index.ts'
import type { ReadPolicy } from './policy.ts'

const DAY = 86_400_000_000
/** Candidates that are looked at, and deleted, together: an entry of the audit log names as many. */
export const GROUP = 50
/** What one step of the walk may take. */
const STEP_MS = 100

const oldestFirst: SampleOrder = { by: 'lastSeen', ascending: true }

/** How many samples stay that would go otherwise, by what keeps them: at most `MOST_KEPT` of each are counted. */
export interface KeptCounts {
  /** They have matches. */
  readonly matched: number
  /** The policy says of them that they always stay. */
  readonly chosen: number
  /** They are being worked on, or a hunt has yet to look at them: another time. */
  readonly busy: number
}

const MOST_KEPT = 500_000

/** Counts each sample once, although several rules may be about it. */
export class Kept {
  readonly #ids: Readonly<Record<keyof KeptCounts, Set<number>>> = {
    matched: new Set(),
    chosen: new Set(),
    busy: new Set(),
  }

  add(reason: keyof KeptCounts, id: number): void {
    if (this.#ids[reason].size < MOST_KEPT) this.#ids[reason].add(id)
  }

  get counts(): KeptCounts {
    const { matched, chosen, busy } = this.#ids
    return { matched: matched.size, chosen: chosen.size, busy: busy.size }
  }
}

/** Samples to look at together. */
export interface Group {
  readonly ids: readonly number[]
  /** Those that were seen later than this do not go: somebody has sent them again meanwhile. */
  readonly seenUntil: Micros
  /** No more go than have these bytes together, and one. */
  readonly bytes: number
}

/** What goes of a group. */
export interface Chosen {
  /** Candidates. */
  readonly ids: readonly number[]
  /** With their members. */
  readonly samples: readonly Sample[]
  readonly bytes: number
}

/** What a preview has counted as gone. */
export interface Gone {
  readonly ids: ReadonlySet<number>
  readonly bytes: number
}

interface Walking {
  /** What is counted as gone although it is there. */
  readonly gone: () => Gone
  /** Called with what a step of the walk has taken, in milliseconds. */
  readonly rest: (ms: number) => Promise<void>
  readonly signal: AbortSignal
}

/** All groups of a policy, in the order in which they go. */
export async function* groupsOf(
  store: Repositories,
  policy: ReadPolicy,
  at: Micros,
  walking: Walking,
): AsyncGenerator<Group> {
  for (const { days, condition } of policy.rules) {
    const seenUntil = at - days * DAY
    const old: Condition = { kind: 'number', field: 'lastseen', bounds: { from: null, to: seenUntil } }
    const of = condition === null ? [old] : [old, condition]
    for await (const ids of walk(store, { kind: 'all', of: [...of, stored] }, walking))
      yield { ids, seenUntil, bytes: Number.POSITIVE_INFINITY }
  }
  const { maxBytes } = policy
  if (maxBytes === null) return
  const excess = async () => (await store.samples.totals()).bytes - walking.gone().bytes - maxBytes
  if ((await excess()) <= 0) return
  for await (const ids of walk(store, stored, walking)) {
    const bytes = await excess()
    if (bytes <= 0) return
    yield { ids, seenUntil: at, bytes }
  }
}

const stored: Condition = { kind: 'stored', is: true }

async function* walk(
  { sampleSearch }: Repositories,
  condition: Condition,
  { rest, signal }: Walking,
): AsyncGenerator<readonly number[]> {
  let after: SamplePlace | null = null
  do {
    signal.throwIfAborted()
    const began = performance.now()
    const step: Awaited<ReturnType<Repositories['sampleSearch']['find']>> = await sampleSearch.find(condition, {
      limit: GROUP,
      after,
      order: oldestFirst,
      budgetMs: STEP_MS,
    })
    after = step.next
    if (after !== null) await rest(performance.now() - began)
    if (step.found.length > 0) yield step.found.map(({ id }) => id)
  } while (after !== null)
}

/** What goes of a group now. What stays is added to `kept`. */
export async function chooseOf(
  store: Repositories,
  policy: ReadPolicy,
  { ids, seenUntil, bytes: most }: Group,
  kept: Kept,
  gone: ReadonlySet<number> = new Set(),
): Promise<Chosen> {
  const samples = await store.samples.findByIds(ids.filter((id) => !gone.has(id)))
  const unsent = await store.retention.findUnsentMembers([...samples.keys()])
  const reasonOf = await reasons(store, policy, [...samples.keys()])
  const chosen: number[] = []
  const archives: number[] = []
  const going = new Map<number, Sample>()
  let bytes = 0
  for (const id of ids) {
    if (bytes >= most) break
    const sample = samples.get(id)
    // What came out of an archive goes with it, and not before.
    if (!sample?.stored || sample.lastSeen > seenUntil || unsent.has(id) || going.has(id)) continue
    const reason = reasonOf(id)
    if (reason !== null) {
      kept.add(reason, id)
      continue
    }
    const added = [sample]
    if (sample.extractedFileCount > 0) {
      const whole = await withMembers(store, [...archives, id], gone)
      const members = whole.filter((member) => member !== id && !going.has(member) && !gone.has(member))
      const memberReason = await reasons(store, policy, members)
      const first = members.map(memberReason).find((one) => one !== null)
      if (first) {
        kept.add(first, id)
        continue
      }
      archives.push(id)
      added.push(...(await store.samples.findByIds(members)).values())
    }
    chosen.push(id)
    for (const one of added) {
      going.set(one.id, one)
      bytes += one.size
    }
  }
  return { ids: chosen, samples: [...going.values()], bytes }
}

/** Why each of some samples stays; null where nothing keeps it. */
async function reasons(
  { retention, sampleSearch }: Repositories,
  { keep, keepMatched }: ReadPolicy,
  ids: readonly number[],
): Promise<(id: number) => keyof KeptCounts | null> {
  const busy = await retention.findBusy(ids)
  const chosen = keep === null ? new Set() : await sampleSearch.fulfilling(keep, ids)
  const matched = keepMatched ? await retention.findMatched(ids) : new Set()
  return (id) => (chosen.has(id) ? 'chosen' : matched.has(id) ? 'matched' : busy.has(id) ? 'busy' : null)
}
