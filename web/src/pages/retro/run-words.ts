import type { RetroRun } from '../../api/retro.ts'
import { share } from '../../parts/numbers.ts'

export function headingOf({ state }: RetroRun): string {
  const headings = { STARTING: 'Starting …', RUNNING: 'Running', COMPLETED: 'Complete', STOPPED: 'Stopped' } as const
  return headings[state]
}

export const ruledOut = ({ processed, rulesets, candidates }: RetroRun): string => {
  const pairs = processed * rulesets
  return share(Math.max(0, pairs - candidates), pairs)
}
