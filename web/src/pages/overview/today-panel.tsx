import { Link } from 'react-router'
import { type Match, newestFirst, useMatches } from '../../api/matches.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { LinkButton } from '../../parts/button.tsx'
import { counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import styles from './today-panel.module.css'

const SHOWN = 8

/** Which rules have matched since midnight (UTC), most first, each with the way to its matches. */
export function TodayPanel() {
  const from = new Date().toISOString().slice(0, 10)
  const list = useMatches({ from }, newestFirst)
  const page = list.data?.pages[0]
  const rules = rulesOf(page?.rows ?? [])
  const most = rules[0]?.matches ?? 0
  return (
    <Panel title="Matched today" aside={<LinkButton href={`/matches?from=${from}`}>All of today</LinkButton>}>
      {list.isError ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : !page ? (
        <p className={styles.soft}>Looking …</p>
      ) : rules.length === 0 ? (
        <p className={styles.soft}>Nothing has matched yet today.</p>
      ) : (
        <>
          <ul className={styles.rules}>
            {rules.slice(0, SHOWN).map(({ ruleset, rule, matches }) => (
              <li key={`${ruleset}/${rule}`}>
                <Link to={`/matches?${new URLSearchParams({ from, rule, ruleset })}`} className={styles.bar ?? ''}>
                  <span className={styles.filled} style={{ width: `${(100 * matches) / most}%` }} aria-hidden />
                  <span className={styles.rule}>{rule}</span>
                  <span>{counted(matches, 'match', 'matches')}</span>
                </Link>
                <Link to={addressOfRuleset(ruleset)} className={styles.soft ?? ''}>
                  {ruleset}
                </Link>
              </li>
            ))}
          </ul>
          {(rules.length > SHOWN || list.hasNextPage) && (
            <p className={styles.soft}>
              {list.hasNextPage
                ? `These are of the latest ${counted(page.rows.length, 'match', 'matches')}; there are more today.`
                : `and ${counted(rules.length - SHOWN, 'more rule')}`}
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

function rulesOf(rows: readonly Match[]): { ruleset: string; rule: string; matches: number }[] {
  const byRule = Map.groupBy(rows, ({ ruleset, rule }) => JSON.stringify([ruleset, rule]))
  return [...byRule.values()]
    .map((matches) => ({ ruleset: matches[0]?.ruleset ?? '', rule: matches[0]?.rule ?? '', matches: matches.length }))
    .sort((one, other) => other.matches - one.matches)
}
