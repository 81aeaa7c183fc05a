import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import { externalVariables, type KnownName, nameVariables } from '../samples/index.ts'
import type { Log, RunnableRuleset, TaskInput, TaskOutput, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, now, type Store, type UnitOfWork, whileAllLeased } from '../store/index.ts'
import type { MatchRecord } from './completion.ts'

/** A stored sample with what it is to be scanned with. */
export type ItemAgain = Omit<TaskInput<'verify'>['items'][number], 'path'>
export type ResultsAgain = TaskOutput<'verify'>['results']

/** A sample under all its names, with those of the rulesets that were not given up on it. */
export async function itemAgain(
  given: Rulesets,
  {
    id,
    sha256,
    size,
    fileType,
  }: Pick<TaskInput<'verify'>['items'][number], 'size'> & {
    readonly id: number
    readonly sha256: Uint8Array
    readonly fileType: string
  },
  [first, ...others]: readonly [KnownName, ...KnownName[]],
  rulesets: readonly RunnableRuleset[],
): Promise<ItemAgain> {
  const without = new Set(await given.givenUpOn(id))
  return {
    sample: id,
    sha256,
    size,
    variables: externalVariables(first, fileType),
    alsoNamed: others.map(nameVariables),
    rulesets: rulesets.map(({ key }) => key).filter((key) => !without.has(key)),
  }
}

/** Scans stored samples once more with some rulesets of a live set; `set` is how the workers know these rulesets. */
export async function scanAgain(
  { pool, contents }: { readonly pool: WorkerPool; readonly contents: ContentStore },
  items: readonly ItemAgain[],
  {
    set,
    generation,
    rulesets,
  }: Pick<LiveSet, 'generation'> & {
    readonly set: string
    readonly rulesets: readonly RunnableRuleset[]
  },
  how: { readonly priority: 'live' | 'background'; readonly signal: AbortSignal },
): Promise<ResultsAgain> {
  if (items.length === 0) return []
  const id = `${set}:${generation}`
  pool.setRuleSet({ id, rulesets })
  try {
    return await whileAllLeased(contents, items, async (leased) => {
      const task = { ruleSet: id, items: leased, strings: false }
      const { results } = await pool.run('verify', task, { ...how, waitForRoom: true })
      return results
    })
  } finally {
    pool.dropRuleSet(id)
  }
}

/**
 * Records what was found, and in the same transaction what `settle` does to the rows that asked for it. Does neither where
 * other rulesets are enabled by now: those rows stay, and their samples are scanned once more.
 */
export async function recordAgain(
  { store, rulesets, matches, log }: RecordingParts,
  { generation }: Pick<LiveSet, 'generation'>,
  results: ResultsAgain,
  settle: (tx: UnitOfWork) => Promise<void>,
): Promise<void> {
  const isCurrent = await store.transaction('recordReanalysis', async (tx) => {
    if ((await rulesets.generation(tx)) !== generation) return false
    const at = now()
    for (const { sample, hits } of results) {
      if (hits.length > 0) await matches.record(tx, { sampleId: sample, hits, at })
    }
    await settle(tx)
    return true
  })
  if (!isCurrent) return
  for (const { sample, errors } of results) {
    const [first] = errors
    if (first?.reason === 'unreadable')
      log.warn({ sample, reason: first.message }, 'a sample could not be matched again')
    await rulesets.reportScanErrors(sample, errors)
  }
}

interface RecordingParts {
  readonly store: Store
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly log: Log
}
