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
  useRepeatHunt,
} from '../../api/hunts.ts'
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
import { ChosenBar } from '../../parts/sample-actions.tsx'
import { Statistic, Statistics } from '../../parts/statistic.tsx'
import { Table } from '../../parts/table.tsx'
import { workbenchOf } from '../workbench/addresses.ts'
import { Comparison } from './comparison.tsx'
import { HuntExport } from './hunt-export.tsx'
import styles from './hunt-page.module.css'
import { LeftOut } from './left-out.tsx'
import { RenameDialog } from './rename-dialog.tsx'
import { noneOf, selectionWords } from './selection-words.ts'

const PAGE_SIZE = 100
const initial = { after: 0, new: false }

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
  const repeat = useRepeatHunt()
  const navigate = useNavigate()
  const [open, setOpen] = useState<'rename' | 'delete' | null>(null)
  const isOurs = mayWork(user) && (hunt.user === user.name || user.role === 'administrator')
  return (
    <>
      {hunt.matches > 0 && <HuntExport id={hunt.id} />}
      {mayWork(user) && hunt.rules_count === 1 && (
        <LinkButton href={workbenchOf(hunt)}>Open in the workbench</LinkButton>
      )}
      {mayWork(user) && hasEnded(hunt) && (
        <Button
          isDisabled={repeat.isPending}
          onPress={() =>
            repeat.mutate(hunt.id, { onError: notifyFailed, onSuccess: ({ id }) => void navigate(`/hunts/${id}`) })
          }
        >
          Run again
        </Button>
      )}
      {isOurs && <Button onPress={() => setOpen('rename')}>Rename …</Button>}
      {isOurs && !hasEnded(hunt) && (
        <Button isDisabled={cancel.isPending} onPress={() => cancel.mutate(hunt.id, { onError: notifyFailed })}>
          Stop
        </Button>
      )}
      {isOurs && (
        <Button weight="danger" onPress={() => setOpen('delete')}>
          Delete …
        </Button>
      )}
      <RenameDialog hunt={hunt} isOpen={open === 'rename'} onClose={() => setOpen(null)} />
      <Confirmation
        title="Delete this hunt?"
        action="Delete"
        isOpen={open === 'delete'}
        isBusy={remove.isPending}
        onClose={() => setOpen(null)}
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
        <p>It is deleted with {counted(hunt.matches, 'result')}; the samples stay.</p>
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
        <Statistic name="Processed">
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

function Results({ hunt }: { readonly hunt: Hunt }) {
  const [{ after, new: onlyNew }, change] = useAddressState(initial)
  const hits = useHuntHits(hunt.id, { after, limit: PAGE_SIZE, onlyNew }, { isRunning: !hasEnded(hunt) })
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  if (hits.isError && !hits.data) return <Problem error={hits.error} onRetry={() => void hits.refetch()} />
  const next = hits.data?.next_after ?? null
  const rows = hits.data?.results.filter(({ id }) => chosen.has(String(id))) ?? []
  const hashes = [...new Set(rows.map(({ sha256 }) => sha256))]
  return (
    <>
      <Comparison hunt={hunt} onlyNew={onlyNew} onOnlyNew={(to) => change({ new: to, after: 0 })} />
      <Table
        name="hunt-results"
        caption="Results"
        columns={hitColumns}
        rows={hits.data?.results}
        keyOf={({ id }) => String(id)}
        nameOf={({ rule, filename }) => `${rule} on ${filename}`}
        choice={{ chosen, onChange: setChosen }}
        isStale={hits.isPlaceholderData}
        empty={
          hunt.samples === 0 && hunt.state !== 'queued' ? (
            <EmptyState title="Nothing was selected">
              There were {noneOf(hunt.selection, hunt.selection_hashes)} when this hunt was made, so it had nothing to
              look at.
            </EmptyState>
          ) : onlyNew ? (
            <EmptyState title="Nothing is new">What this hunt found, the one before had found already.</EmptyState>
          ) : hasEnded(hunt) ? (
            <EmptyState title="Nothing matches">
              None of {counted(hunt.processed, 'processed sample')} matches these rules.
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
      {rows.length > 0 && (
        <ChosenBar
          what={`${counted(rows.length, 'match', 'matches')} of ${counted(hashes.length, 'sample')} chosen`}
          hashes={hashes}
          onDone={() => setChosen(new Set())}
        />
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
      It may have been deleted. Of the runs in the workbench the last two stay, and those that were named.
    </EmptyState>
  )
}
