import { X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import { type Hunt, type HuntHit, hasEnded, useHuntHits } from '../../api/hunts.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { hitColumns } from '../../parts/hit-columns.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { ChosenBar } from '../../parts/sample-actions.tsx'
import { Table } from '../../parts/table.tsx'
import { Comparison } from '../hunt/comparison.tsx'
import { HuntExport } from '../hunt/hunt-export.tsx'
import { LeftOut } from '../hunt/left-out.tsx'
import { RenameDialog } from '../hunt/rename-dialog.tsx'
import { noneOf, selectionWords } from '../hunt/selection-words.ts'
import { MOST_HITS, type Run } from './run.ts'
import styles from './run-panel.module.css'
import { goodware, isSameSelection } from './scope.ts'

/** What the text finds, as it comes in, and what can be done with it. */
export function RunPanel({
  run: { hunt, hits, error },
  onStop,
  onNamed,
  onClose,
}: {
  readonly run: Run
  readonly onStop: () => void
  readonly onNamed: (hunt: Hunt) => void
  readonly onClose: () => void
}) {
  const user = useUser()
  const [isNaming, setNaming] = useState(false)
  const isRunning = !error && (!hunt || !hasEnded(hunt))
  const isOurs = hunt !== null && mayWork(user) && (hunt.user === user.name || user.role === 'administrator')
  return (
    <section className={styles.run} aria-label="Run">
      <header className={styles.head}>
        <h2>{hunt?.title ?? 'Run'}</h2>
        <p className={styles.summary} aria-live="polite">
          {hunt ? summaryOf(hunt, hits) : error ? '' : 'Starting …'}
        </p>
        {isRunning && (
          <Button onPress={onStop} isDisabled={hunt === null}>
            Stop
          </Button>
        )}
        {isOurs && <Button onPress={() => setNaming(true)}>Rename …</Button>}
        {hunt && hunt.matches > 0 && <HuntExport id={hunt.id} />}
        {hunt && <LinkButton href={`/hunts/${hunt.id}`}>All results</LinkButton>}
        <Button weight="quiet" isIcon aria-label="Close the results" onPress={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      {isRunning && <ProgressBar label="Run" done={hunt?.processed ?? 0} whole={hunt?.samples ?? null} />}
      {error && <Problem error={error} />}
      {hunt && (
        <>
          <LeftOut hunt={hunt} />
          <Found key={hunt.id} hunt={hunt} hits={hits} />
          <RenameDialog
            key={hunt.title}
            hunt={hunt}
            isOpen={isNaming}
            onClose={() => setNaming(false)}
            onRenamed={onNamed}
          />
        </>
      )}
    </section>
  )
}

function Found({ hunt, hits }: { readonly hunt: Hunt; readonly hits: readonly HuntHit[] }) {
  const [onlyNew, setOnlyNew] = useState(false)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const fresh = useHuntHits(
    hunt.id,
    { after: 0, limit: MOST_HITS, onlyNew: true },
    { isRunning: false, isWanted: onlyNew },
  )
  const rows = onlyNew ? fresh.data?.results : hits
  const hasMore = onlyNew ? fresh.data && fresh.data.next_after !== null : hunt.matches > MOST_HITS
  const chosenRows = rows?.filter(({ id }) => chosen.has(String(id))) ?? []
  const hashes = [...new Set(chosenRows.map(({ sha256 }) => sha256))]
  return (
    <>
      <Comparison hunt={hunt} onlyNew={onlyNew} onOnlyNew={setOnlyNew} />
      {onlyNew && fresh.isError && !fresh.data ? (
        <Problem error={fresh.error} onRetry={() => void fresh.refetch()} />
      ) : rows && rows.length === 0 && !onlyNew ? (
        <Nothing hunt={hunt} />
      ) : (
        <Table
          caption="What the run found"
          columns={columns}
          rows={rows}
          keyOf={({ id }) => String(id)}
          nameOf={({ rule, filename }) => `${rule} on ${filename}`}
          choice={{ chosen, onChange: setChosen }}
          empty={<EmptyState title="Nothing is new">What this run found, the one before had found already.</EmptyState>}
        />
      )}
      {hasMore && rows && rows.length > 0 && (
        <p className={styles.more}>
          The first {count(rows.length)}{' '}
          {onlyNew ? 'of what is new' : `of ${counted(hunt.matches, 'match', 'matches')}`} are listed and can be chosen
          here. <Link to={`/hunts/${hunt.id}${onlyNew ? '?new=true' : ''}`}>The page of the hunt has all</Link>, and so
          has its export.
        </p>
      )}
      {chosenRows.length > 0 && (
        <ChosenBar
          what={`${counted(chosenRows.length, 'match', 'matches')} of ${counted(hashes.length, 'sample')} chosen`}
          hashes={hashes}
          onDone={() => setChosen(new Set())}
        />
      )}
    </>
  )
}

function summaryOf(hunt: Hunt, hits: readonly HuntHit[]): string {
  const found = counted(hunt.matches, 'match', 'matches')
  const read = `${bytes(hunt.scanned_bytes)} read`
  const over = isSameSelection(hunt.selection, {}) ? '' : `, ${wordsOfScope(hunt)}`
  if (!hasEnded(hunt)) {
    const left = hunt.milliseconds_left === null ? '' : `, ${duration(hunt.milliseconds_left)} left`
    return `${found} so far · ${count(hunt.processed)} of ${counted(hunt.samples, 'sample')}${left}${over} · ${read}`
  }
  if (hunt.state === 'failed') return `It failed: ${hunt.failure ?? 'the server has the reason in its log.'}`
  const shown = hits.length < hunt.matches ? `, the first ${count(hits.length)} shown` : ''
  const time = hunt.started && hunt.stopped ? ` · ${duration(Date.parse(hunt.stopped) - Date.parse(hunt.started))}` : ''
  const end = hunt.state === 'stopped' ? 'stopped: ' : ''
  return `${end}${found}${shown} in ${counted(hunt.samples, 'sample')}${time}${over} · ${read}`
}

const isOnGoodware = (hunt: Hunt): boolean => isSameSelection(hunt.selection, goodware)

const wordsOfScope = (hunt: Hunt): string =>
  isOnGoodware(hunt) ? 'goodware only' : selectionWords(hunt.selection, hunt.selection_hashes)

function Nothing({ hunt }: { readonly hunt: Hunt }): ReactNode {
  if (hunt.state !== 'completed') return null
  if (hunt.samples === 0) {
    return (
      <EmptyState title={isOnGoodware(hunt) ? 'There is no goodware to test it on' : 'Nothing was selected'}>
        {isOnGoodware(hunt)
          ? 'Classify samples as goodware, and this shows false positives before a ruleset is saved.'
          : `There were ${noneOf(hunt.selection, hunt.selection_hashes)}, so there was nothing to look at.`}
      </EmptyState>
    )
  }
  return isOnGoodware(hunt) ? (
    <EmptyState title="No false positives">None of {counted(hunt.samples, 'goodware sample')} matches.</EmptyState>
  ) : (
    <EmptyState title="Nothing matches">None of {counted(hunt.samples, 'sample')} matches these rules.</EmptyState>
  )
}

const columns = hitColumns.filter(({ key }) => key !== 'threat')
