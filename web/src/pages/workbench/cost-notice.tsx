import type { Explanation } from '../../api/hunts.ts'
import { Button } from '../../parts/button.tsx'
import { bytes, share } from '../../parts/numbers.ts'
import styles from './cost-notice.module.css'

/** Of what is selected; a hunt that reads no more than either starts without a word. */
const MUCH = 0.1
const LITTLE_BYTES = 16 * 1024 * 1024

/** Bytes above which the hunt is told to be costly before it starts; null for one that is not. */
function boundOf({ corpus, texts: [text] }: Explanation): number | null {
  const bound = Math.max(LITTLE_BYTES, Math.floor(MUCH * corpus.bytes))
  return text !== undefined && text.expected.bytes > bound ? bound : null
}

/** Says before a hunt starts that it reads much, what costs it, and offers to run the other rules first. */
export function CostNotice({
  explanation,
  onGoTo,
  onLeaveOut,
  isDisabled,
}: {
  readonly explanation: Explanation
  readonly onGoTo: (place: { readonly line: number; readonly column: number }) => void
  /** Hunts with what reads no more than so many bytes. */
  readonly onLeaveOut: (mostRead: number) => void
  readonly isDisabled: boolean
}) {
  const bound = boundOf(explanation)
  const [text] = explanation.texts
  if (bound === null || text === undefined) return null
  const costliest = text.rules
    .filter((rule) => !rule.private)
    .reduce<(typeof text.rules)[number] | null>(
      (most, rule) => (most === null || rule.expected.bytes > most.expected.bytes ? rule : most),
      null,
    )
  const others = text.rules.some((rule) => !rule.private && rule.expected.bytes <= bound)
  return (
    <div className={styles.cost} role="status">
      <p>
        This hunt reads {bytes(text.expected.bytes)}, {share(text.expected.bytes, explanation.corpus.bytes)} of what is
        selected.
        {costliest && (
          <>
            {' '}
            <code>{costliest.name}</code> alone reads {bytes(costliest.expected.bytes)}:{' '}
            <button type="button" onClick={() => onGoTo(costliest.weakest)}>
              <code>{costliest.weakest.term}</code> in line {costliest.weakest.line}
            </button>{' '}
            lets that much through.
          </>
        )}
      </p>
      {others && (
        <Button isDisabled={isDisabled} onPress={() => onLeaveOut(bound)}>
          Hunt with the other rules first
        </Button>
      )}
    </div>
  )
}
