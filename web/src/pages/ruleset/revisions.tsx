import { Link } from 'react-router'
import { addressOf } from '../../api/http.ts'
import { type RevisionEntry, type Ruleset, useRevision, useRevisions, useSaveRuleset } from '../../api/rulesets.ts'
import { Difference } from '../../editor/difference.tsx'
import { useAddressState } from '../../parts/address-state.ts'
import { Button } from '../../parts/button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { shortVersion } from '../../parts/source-state.tsx'
import { useCloudChoice } from './cloud-choice.tsx'
import styles from './revisions.module.css'

const initial = { tab: 'text', revision: 0 }

/** The revisions of a ruleset: who changed what when, what each found, and the way back to one. */
export default function Revisions({ ruleset, mayChange }: { readonly ruleset: Ruleset; readonly mayChange: boolean }) {
  const { name } = ruleset
  const list = useRevisions(name)
  const [{ revision: asked }, change] = useAddressState(initial)
  if (list.isError) return <Problem error={list.error} onRetry={() => void list.refetch()} />
  if (!list.data) return <p>Loading …</p>
  const number = asked || ruleset.revision
  const entry = list.data.results.find((each) => each.number === number)
  return (
    <div className={styles.revisions}>
      <ol className={styles.list} aria-label="Revisions, newest first">
        {list.data.results.map((each) => (
          <li key={each.number}>
            <button
              type="button"
              aria-current={each.number === number}
              onClick={() => change({ tab: 'revisions', revision: each.number })}
            >
              <Entry entry={each} isCurrent={each.number === ruleset.revision} />
            </button>
          </li>
        ))}
      </ol>
      {entry ? (
        <Change key={number} ruleset={ruleset} entry={entry} mayChange={mayChange} />
      ) : (
        <p>There is no revision {number}.</p>
      )}
    </div>
  )
}

function Entry({ entry, isCurrent }: { readonly entry: RevisionEntry; readonly isCurrent: boolean }) {
  const matches = Object.values(entry.matches).reduce((sum, each) => sum + each, 0)
  return (
    <>
      <strong>Revision {entry.number}</strong>
      {isCurrent && <span className={styles.current}>current</span>}
      <span className={styles.line}>
        {entry.author}, <Moment at={entry.created} />
      </span>
      <span className={styles.line}>
        {entry.valid ? `first found ${counted(matches, 'match', 'matches')}` : 'does not compile'}
      </span>
      {entry.origin && (
        <span className={styles.line} title={`${entry.origin.url} ${entry.origin.path} ${entry.origin.version}`}>
          from {entry.origin.source}, {shortVersion(entry.origin.version)}
        </span>
      )}
    </>
  )
}

/** What a revision changed, what it found, and restoring it. */
function Change({
  ruleset: { name, revision: current, cloud_synced },
  entry,
  mayChange,
}: {
  readonly ruleset: Ruleset
  readonly entry: RevisionEntry
  readonly mayChange: boolean
}) {
  const { number } = entry
  const after = useRevision(name, number)
  const before = useRevision(name, number - 1)
  const save = useSaveRuleset()
  const cloud = useCloudChoice(name, cloud_synced)
  const [, change] = useAddressState(initial)
  if (after.isError) return <Problem error={after.error} onRetry={() => void after.refetch()} />
  if (before.isError) return <Problem error={before.error} onRetry={() => void before.refetch()} />
  if (!after.data || (number > 1 && !before.data)) return <p>Loading …</p>
  const { content } = after.data
  const restore = async () => {
    try {
      const text = { name, content, replaces: current, isPartial: false, isForCloud: cloud.isOn }
      const { revision, runs } = await save.mutateAsync(text)
      const restored = `Revision ${number} is restored as revision ${revision}`
      if (runs) notifyDone(`${restored}.`)
      else notifyFailed(`${restored}; like before, it does not compile.`)
      change({ tab: 'revisions', revision: 0 })
    } catch (error) {
      notifyFailed(error)
    }
  }
  return (
    <section className={styles.change} aria-label={`Revision ${number}`}>
      <header className={styles.head}>
        <h2>{number === 1 ? 'The first revision' : `What changed from revision ${number - 1} to ${number}`}</h2>
        {mayChange && number !== current && (
          <Button onPress={() => void restore()} isDisabled={save.isPending}>
            Restore revision {number}
          </Button>
        )}
      </header>
      <Found name={name} entry={entry} />
      <div className={styles.difference}>
        <Difference before={before.data?.content ?? ''} after={content} label={`Text of revision ${number}`} />
      </div>
    </section>
  )
}

function Found({ name, entry: { number, matches } }: { readonly name: string; readonly entry: RevisionEntry }) {
  const rules = Object.entries(matches).sort(([, a], [, b]) => b - a)
  if (rules.length === 0) return null
  return (
    <p className={styles.found}>
      First found with it:{' '}
      {rules.map(([rule, matched], position) => (
        <span key={rule}>
          {position > 0 && ', '}
          <Link to={addressOf('/matches', { ruleset: name, revision: number, rule })}>
            {count(matched)} × {rule}
          </Link>
        </span>
      ))}
    </p>
  )
}
