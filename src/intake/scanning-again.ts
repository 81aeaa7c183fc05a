import type { LiveSet } from '../rulesets/index.ts'
import type { RunnableRuleset, TaskInput, TaskOutput, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, whileAllLeased } from '../store/index.ts'

/** A stored sample with what it is to be scanned with. */
export type ItemAgain = Omit<TaskInput<'verify'>['items'][number], 'path'>
export type ResultsAgain = TaskOutput<'verify'>['results']

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
