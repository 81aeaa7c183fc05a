import { Link } from 'react-router'
import { type MatchGroup, useRulesSince } from '../../api/matches.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { LinkButton } from '../../parts/button.tsx'
import { counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import styles from './today-panel.module.css'

const SHOWN = 50

/** Which rules have matched since midnight (UTC), the one with the newest match first, each with the way to its matches. */
export function TodayPanel() {
  const from = new Date().toISOString().slice(0, 10)
  const list = useRulesSince(from, SHOWN)
  const rules = list.data?.rows ?? []
  const most = Math.max(...rules.map(({ matches }) => matches.count))
  return (
    <Panel title="Matched today" aside={<LinkButton href={`/matches?from=${from}`}>All of today</LinkButton>}>
      {list.isError && !list.data ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <p className={styles.soft}>Looking …</p>
      ) : rules.length === 0 ? (
        <p className={styles.soft}>Nothing has matched yet today.</p>
      ) : (
        <>
          <ul className={styles.rules}>
            {rules.map(({ newest: { ruleset, rule }, matches }) => (
              <li key={`${ruleset}/${rule}`}>
                <Link
                  to={`/matches?${new URLSearchParams({ from, exact_rule: rule, ruleset })}`}
                  className={styles.bar ?? ''}
                >
                  <span className={styles.filled} style={{ width: `${(100 * matches.count) / most}%` }} aria-hidden />
                  <span className={styles.rule}>{rule}</span>
                  <span>{wordsOf(matches)}</span>
                </Link>
                <Link to={addressOfRuleset(ruleset)} className={styles.soft ?? ''}>
                  {ruleset}
                </Link>
              </li>
            ))}
          </ul>
          {list.data.next !== null && (
            <p className={styles.soft}>
              There may be more rules than these {counted(rules.length, 'rule')}:{' '}
              <Link to={`/matches?${new URLSearchParams({ from, by: 'rule' })}`}>all rules of today</Link>
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

const wordsOf = ({ count, more }: MatchGroup['matches']): string =>
  `${more ? 'more than ' : ''}${counted(count, 'match', 'matches')}`
