import { TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import {
  type Hunt,
  hasEnded,
  useCancelHunt,
  useHunt,
  useHuntHits,
  useHuntRules,
  useRemoveHunt,
} from '../../api/hunts.ts'
import { atServer } from '../../api/root.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { hitColumns } from '../../parts/hit-columns.tsx'
import { HuntState } from '../../parts/hunt-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { Statistic, Statistics } from '../../parts/statistic.tsx'
import { Table } from '../../parts/table.tsx'
import styles from './hunt-page.module.css'
import { noneOf, selectionWords } from './selection-words.ts'

const PAGE_SIZE = 100
const initial = { after: 0 }

export function Component() {
  const id = Number(useParams().id)
  const hunt = useHunt(id)
  if (hunt.isError && !hunt.data) {
    const isUnknown = 'status' in hunt.error && (hunt.error.status === 404 || hunt.error.status === 400)
    return isUnknown ? <UnknownHunt /> : <Problem error={hunt.error} onRetry={() => void hunt.refetch()} />
  }
  if (!hunt.data) return <PageHead title="Hunt" about="Loading …" />
  return (
    <>
      <PageHead
        title={hunt.data.title ?? `Hunt ${id}`}
        about={
          <span className={styles.about}>
            <HuntState of={hunt.data.state} />
            <span>
              by {hunt.data.user ?? 'a removed user'}, <Moment at={hunt.data.created} />
            </span>
            <span>{selectionWords(hunt.data.selection, hunt.data.selection_hashes)}</span>
            {!hunt.data.index && <span>without the index</span>}
          </span>
        }
        actions={<Actions hunt={hunt.data} />}
      />
      <Course hunt={hunt.data} />
      <LeftOut hunt={hunt.data} />
      <Results hunt={hunt.data} />
      <Rules hunt={hunt.data} />
    </>
  )
}

function Actions({ hunt }: { readonly hunt: Hunt }) {
  const user = useUser()
  const cancel = useCancelHunt()
  const remove = useRemoveHunt()
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const isOurs = mayWork(user) && (hunt.user === user.name || user.role === 'administrator')
  const exported = (format: string) => atServer(`/api/hunts/${hunt.id}/export/?format=${format}`)
  return (
    <>
      {hunt.matches > 0 && (
        <>
          <LinkButton href={exported('csv')} download>
            CSV
          </LinkButton>
          <LinkButton href={exported('jsonl')} download>
            JSON lines
          </LinkButton>
          <LinkButton href={exported('hashes')} download>
            Hashes
          </LinkButton>
        </>
      )}
      {isOurs && !hasEnded(hunt) && (
        <Button isDisabled={cancel.isPending} onPress={() => cancel.mutate(hunt.id, { onError: notifyFailed })}>
          Stop
        </Button>
      )}
      {isOurs && (
        <Button weight="danger" onPress={() => setAsking(true)}>
          Delete …
        </Button>
      )}
      <Confirmation
        title="Delete this hunt?"
        action="Delete"
        isOpen={isAsking}
        isBusy={remove.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() =>
          remove.mutate(hunt.id, {
            onError: notifyFailed,
            onSuccess: () => {
              notifyDone('The hunt is deleted.')
              void navigate('/hunts', { replace: true })
            },
          })
        }
      >
        <p>Its {counted(hunt.matches, 'result')} go with it; the samples stay.</p>
      </Confirmation>
    </>
  )
}

function Course({ hunt }: { readonly hunt: Hunt }) {
  const pairs = hunt.processed * hunt.rules_count
  const took = hunt.started && hunt.stopped ? Date.parse(hunt.stopped) - Date.parse(hunt.started) : null
  return (
    <section className={styles.course} aria-label="How far it is">
      {!hasEnded(hunt) && (
        <>
          <ProgressBar label="Hunt" done={hunt.processed} whole={hunt.state === 'running' ? hunt.samples : null} />
          <p className={styles.pace}>
            {hunt.state === 'queued'
              ? 'It waits for its turn among the hunts of other users.'
              : `${count(hunt.processed)} of ${counted(hunt.samples, 'sample')}`}
            {hunt.milliseconds_left !== null && ` · ${duration(hunt.milliseconds_left)} left`}
          </p>
        </>
      )}
      {hunt.failure && <Problem error={new Error(hunt.failure)} />}
      <Statistics>
        <Statistic name="Matches">{count(hunt.matches)}</Statistic>
        <Statistic name="Samples decided">
          {count(hunt.processed)} of {count(hunt.samples)}
        </Statistic>
        <Statistic name="Ruled out by the index">{count(Math.max(0, pairs - hunt.candidates))}</Statistic>
        <Statistic name="Read">
          {counted(hunt.candidates, 'candidate')}, {bytes(hunt.scanned_bytes)}
        </Statistic>
        {hunt.skipped > 0 && <Statistic name="Skipped">{count(hunt.skipped)}</Statistic>}
        {took !== null && <Statistic name="Took">{duration(took)}</Statistic>}
      </Statistics>
    </section>
  )
}

/** What of the texts does not run: a hunt without it finds less than its texts say. */
function LeftOut({ hunt: { left_out: listed, left_out_count: all, rules_count: texts } }: { readonly hunt: Hunt }) {
  if (all === 0) return null
  return (
    <section className={styles.leftOut} aria-label="Left out">
      <p>
        <TriangleAlert size={16} aria-hidden /> {counted(all, 'rule or text', 'rules or texts')} did not run.
      </p>
      <ul>
        {listed.map(({ text, name, line, reason }) => (
          <li key={`${text}:${name}:${line}`}>
            <code>{name}</code> (line {line}
            {texts > 1 && (
              <>
                {' '}
                of <code>{text}</code>
              </>
            )}
            ): {reason}
          </li>
        ))}
        {all > listed.length && <li>and {count(all - listed.length)} more</li>}
      </ul>
    </section>
  )
}

function Results({ hunt }: { readonly hunt: Hunt }) {
  const [{ after }, change] = useAddressState(initial)
  const hits = useHuntHits(hunt.id, after, PAGE_SIZE, !hasEnded(hunt))
  if (hits.isError && !hits.data) return <Problem error={hits.error} onRetry={() => void hits.refetch()} />
  const next = hits.data?.next_after ?? null
  return (
    <>
      <Table
        caption="Results"
        columns={hitColumns}
        rows={hits.data?.results}
        keyOf={({ id }) => String(id)}
        isStale={hits.isPlaceholderData}
        empty={
          hunt.samples === 0 && hunt.state !== 'queued' ? (
            <EmptyState title="Nothing was selected">
              There were {noneOf(hunt.selection, hunt.selection_hashes)} when this hunt was made, so it had nothing to
              look at.
            </EmptyState>
          ) : hasEnded(hunt) ? (
            <EmptyState title="Nothing matches">
              None of {counted(hunt.processed, 'decided sample')} matches these rules.
            </EmptyState>
          ) : (
            <EmptyState title="Nothing found yet">Results appear here as soon as there are any.</EmptyState>
          )
        }
      />
      {(after > 0 || next !== null) && (
        <nav className={styles.pages} aria-label="Pages of the results">
          {after > 0 && <Button onPress={() => change({ after: 0 })}>First page</Button>}
          {next !== null && <Button onPress={() => change({ after: next })}>Next page</Button>}
        </nav>
      )}
    </>
  )
}

function Rules({ hunt }: { readonly hunt: Hunt }) {
  const rules = useHuntRules(hunt.id)
  return (
    <section className={styles.rules} aria-label="Rules">
      {(rules.data?.results ?? []).map(({ name, content }) => (
        <details key={name}>
          <summary>
            The text hunted with: <code>{name}</code>
          </summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{content}</pre>
        </details>
      ))}
    </section>
  )
}

function UnknownHunt() {
  return (
    <EmptyState isPage title="There is no such hunt" action={<LinkButton href="/hunts">All hunts</LinkButton>}>
      It may have been deleted; a trial in the editor goes when the next one begins.
    </EmptyState>
  )
}
