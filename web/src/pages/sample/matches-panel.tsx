import { Link } from 'react-router'
import { addressOfRuleset } from '../../api/rulesets.ts'
import type { SampleDetails } from '../../api/samples.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import styles from './matches-panel.module.css'

/** Every rule that matches; choosing one shows its strings in the bytes below. */
export function MatchesPanel({
  matches,
  isProcessed,
  ruleset,
  rule,
  onChoose,
  onAllow,
}: {
  readonly matches: SampleDetails['matches']
  readonly isProcessed: boolean
  readonly ruleset: string
  readonly rule: string
  readonly onChoose: (ruleset: string, rule: string) => void
  /** The rule is to report this sample no more; null where nobody may ask for it. */
  readonly onAllow: ((ruleset: string, rule: string) => void) | null
}) {
  return (
    <Panel title="Matching rules" aside={matches.length > 0 && counted(matches.length, 'match', 'matches')} isFlush>
      {matches.length === 0 ? (
        <p className={styles.body}>
          {isProcessed
            ? 'No rule of an enabled ruleset matches. Local Retro matches again with rulesets that came later.'
            : 'It is being matched with all enabled rulesets now.'}
        </p>
      ) : (
        <div className={styles.rules}>
          {matches.map((match) => {
            const isChosen = match.ruleset === ruleset && match.rule === rule && !match.cloud
            return (
              <div
                key={`${match.ruleset} ${match.rule} ${match.cloud}`}
                className={styles.rule}
                data-chosen={isChosen || undefined}
              >
                <span>
                  <span className={styles.name}>{match.rule}</span>{' '}
                  <span className={styles.soft}>
                    of <Link to={addressOfRuleset(match.ruleset)}>{match.ruleset}</Link>
                  </span>
                </span>
                {match.cloud ? <Badge tone="information">cloud</Badge> : <span className={styles.soft}>here</span>}
                <span className={styles.soft}>
                  <Moment at={match.created} />
                </span>
                {onAllow ? (
                  <Button
                    weight="quiet"
                    aria-label={`Allow this sample for ${match.rule}`}
                    onPress={() => onAllow(match.ruleset, match.rule)}
                  >
                    Allow
                  </Button>
                ) : (
                  <span />
                )}
                <Button
                  weight="quiet"
                  aria-pressed={isChosen}
                  isDisabled={match.cloud}
                  aria-label={isChosen ? `Hide strings of ${match.rule}` : `Show strings of ${match.rule}`}
                  onPress={() => (isChosen ? onChoose('', '') : onChoose(match.ruleset, match.rule))}
                >
                  {isChosen ? 'Hide strings' : 'Show strings'}
                </Button>
              </div>
            )
          })}
        </div>
      )}
    </Panel>
  )
}
