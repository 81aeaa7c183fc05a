import type { TaskInput, TaskOutput } from '../scanning/index.ts'
import type { Corpus } from './corpus.ts'

type Candidates = TaskOutput<'evaluate'>['candidates']

/**
 * The candidates that are left once it is known what they are called. Names are in the database and change with every
 * arrival, so no segment holds them: it is asked again, about those samples only that everything else has left, and with
 * those rulesets that ask for names. `evaluate` asks the segment as it was asked before.
 */
export async function decidedByNames(
  candidates: Candidates,
  { corpus }: { readonly corpus: Corpus },
  evaluate: (narrowed: Pick<TaskInput<'evaluate'>, 'only' | 'rulesets' | 'names'>) => Promise<Candidates>,
): Promise<Candidates> {
  const asking = candidates.filter(({ asksForNames }) => asksForNames)
  if (asking.length === 0) return candidates
  const only = Uint32Array.from(new Set(asking.flatMap(({ samples }) => [...samples]))).sort()
  const names = await corpus.packedNames(only)
  const decided = await evaluate({ only, rulesets: asking.map(({ ruleset }) => ruleset), names })
  return [...candidates.filter(({ asksForNames }) => !asksForNames), ...decided]
}
