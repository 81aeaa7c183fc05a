import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, useParams } from 'react-router'
import { type ImportedFile, type RulesetImport, useImport, useSaveImport } from '../../api/ruleset-imports.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { count, counted, share } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './ruleset-import-page.module.css'

const initial = { left_out: 0 }

/** Files on their way to become rulesets: what would come of each, then the import, then what has come of it. */
export function Component() {
  const { id = '' } = useParams()
  const state = useImport(id)
  const [{ left_out: others }] = useAddressState(initial)
  if (state.isError && !state.data) {
    const isGone = 'status' in state.error && state.error.status === 404
    if (!isGone) return <Problem error={state.error} onRetry={() => void state.refetch()} />
    return (
      <EmptyState isPage title="This import is over" action={<LinkButton href="/rulesets">All rulesets</LinkButton>}>
        An import ends with the server, with the next one, and an hour after it was last looked at. Drop the files
        again.
      </EmptyState>
    )
  }
  if (!state.data) return <PageHead title="Import" about="Loading …" />
  return <Import id={id} state={state.data} others={others} />
}

function Import({
  id,
  state,
  others,
}: {
  readonly id: string
  readonly state: RulesetImport
  /** Files that were not sent, since they cannot be rules. */
  readonly others: number
}) {
  const queries = useQueryClient()
  const save = useSaveImport(id)
  const [out, setOut] = useState<ReadonlySet<string>>(new Set())
  const { phase, files, unreadable } = state
  useEffect(() => {
    if (phase === 'done') void queries.invalidateQueries({ queryKey: ['rulesets'] })
  }, [phase, queries])
  const usable = files.filter(isUsable)
  const usablePaths = new Set(usable.map(({ path }) => path))
  const chosen = new Set(usable.flatMap(({ path }) => (out.has(path) ? [] : path)))
  const onImport = () => save.mutate([...out], { onError: notifyFailed })
  return (
    <>
      <PageHead
        title="Import rulesets"
        about={aboutOf(state)}
        actions={
          <>
            <LinkButton href="/rulesets">All rulesets</LinkButton>
            {phase === 'ready' && (
              <Button weight="main" isDisabled={chosen.size === 0 || save.isPending} onPress={onImport}>
                Import {counted(chosen.size, 'ruleset')}
              </Button>
            )}
          </>
        }
      />
      {(phase === 'reading' || phase === 'checking' || phase === 'saving') && (
        <ProgressBar
          label={phase === 'saving' ? 'Rulesets saved' : 'Files looked at'}
          done={state.done}
          whole={phase === 'reading' ? null : state.total}
        />
      )}
      {phase === 'failed' && <p className={styles.failed}>{state.problem}</p>}
      {phase === 'done' && state.outcome && <Outcome outcome={state.outcome} />}
      {(phase === 'ready' || phase === 'saving' || phase === 'done') && (
        <Table
          caption="Files and what becomes of each"
          columns={columnsOf(state)}
          rows={files}
          keyOf={({ path }) => path}
          {...(phase === 'ready' && {
            choice: {
              chosen,
              isFixed: (path: string) => !usablePaths.has(path),
              onChange: (now: ReadonlySet<string>) =>
                setOut(new Set(usable.flatMap(({ path }) => (now.has(path) ? [] : path)))),
            },
          })}
          empty={<EmptyState title="There is no YARA file">None of what was sent can become a ruleset.</EmptyState>}
        />
      )}
      {unreadable.length + others > 0 && (
        <section className={styles.unreadable} aria-label="Left out">
          <h2>Left out</h2>
          <ul>
            {unreadable.map(({ path, message }) => (
              <li key={path}>{message}</li>
            ))}
            {others > 0 && <li>{counted(others, 'file')} that cannot be rules by their names</li>}
          </ul>
        </section>
      )}
    </>
  )
}

const isUsable = ({ step, runs }: ImportedFile): boolean => runs === true && (step === 'create' || step === 'update')

function aboutOf({ phase, done, total, files, unreadable }: RulesetImport): string {
  if (phase === 'reading') return 'The files are read …'
  if (phase === 'checking') return `${count(done)} of ${counted(total, 'file')} checked …`
  if (phase === 'saving') return `${count(done)} of ${counted(total, 'ruleset')} saved …`
  const fresh = files.filter((file) => file.step === 'create' && isUsable(file)).length
  const replacing = files.filter((file) => file.step === 'update' && isUsable(file)).length
  const kept = files.filter(({ step }) => step === 'keep').length
  const broken = files.filter(({ runs, step }) => step === 'refused' || runs === false).length + unreadable.length
  return `${count(fresh)} new, ${count(replacing)} replacing others, ${count(kept)} as they are, ${count(broken)} left out`
}

function Outcome({
  outcome: { created, updated, problems },
}: {
  readonly outcome: NonNullable<RulesetImport['outcome']>
}) {
  return (
    <div role="status" className={styles.outcome}>
      <p>
        {counted(created, 'ruleset')} made, {count(updated)} replaced.
      </p>
      {problems.length > 0 && (
        <ul className={styles.failed}>
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </div>
  )
}

function columnsOf({ corpus, phase }: RulesetImport): readonly Column<ImportedFile>[] {
  return [
    { key: 'path', title: 'File', cell: ({ path }) => <span className={styles.path}>{path}</span> },
    {
      key: 'ruleset',
      title: 'Ruleset',
      cell: (file) =>
        file.step !== 'create' || (phase === 'done' && isUsable(file)) ? (
          <Link to={addressOfRuleset(file.ruleset)}>{file.ruleset}</Link>
        ) : (
          file.ruleset
        ),
    },
    { key: 'step', title: 'What happens', cell: (file) => stepOf(file) },
    {
      key: 'problems',
      title: 'Compiles',
      cell: ({ runs, problems, step }) => (
        <span className={styles.lines}>
          {step === 'refused' || runs === null ? '–' : !runs ? 'no' : problems.length > 0 ? 'in part' : 'yes'}
          {problems.slice(0, 5).map((problem) => (
            <small key={problem}>{problem}</small>
          ))}
          {problems.length > 5 && <small>and {count(problems.length - 5)} more</small>}
        </span>
      ),
    },
    {
      key: 'expected',
      title: 'A hunt would read',
      align: 'end',
      cell: ({ expected }) => (expected && corpus ? share(expected.samples, corpus.samples) : '–'),
    },
  ]
}

function stepOf({ step, runs, ruleset }: ImportedFile): string {
  if (step === 'refused') return 'left out: not yours to change'
  if (step === 'keep') return 'nothing: it is there already'
  if (runs === false) return 'left out: it does not compile'
  return step === 'create' ? 'new' : `replaces the text of ${ruleset}`
}
