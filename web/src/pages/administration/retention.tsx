import { useState } from 'react'
import { Link } from 'react-router'
import {
  type Retention as Policy,
  type RetentionChange,
  type RetentionPreview,
  usePreviewRetention,
  useRetention,
  useRunRetention,
  useSetRetention,
} from '../../api/retention.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { bytes, counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { Switch } from '../../parts/switch.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'
import { type Draft, draftOf, problemsOf, requestOf } from './retention-draft.ts'

/** For administrators: which samples are deleted by themselves. */
export function Retention() {
  const retention = useRetention()
  if (retention.isError) return <Problem error={retention.error} onRetry={() => void retention.refetch()} />
  if (!retention.data) return <p>Loading …</p>
  return <LoadedRetention policy={retention.data} />
}

function LoadedRetention({ policy }: { readonly policy: Policy }) {
  const [draft, setDraft] = useState(() => draftOf(policy))
  const [isAsking, setAsking] = useState(false)
  const set = useSetRetention()
  const run = useRunRetention()
  const preview = usePreviewRetention()
  const problems = problemsOf(draft)
  const change = (part: Partial<Draft>) => {
    setDraft({ ...draft, ...part })
    preview.reset()
  }
  const save = (more: RetentionChange, done: string) =>
    set.mutate({ ...requestOf(draft), ...more }, { onSuccess: () => notifyDone(done), onError: notifyFailed })
  const isReady = problems === null && !set.isPending
  return (
    <>
      <Panel
        title="Retention"
        aside={policy.enabled ? <Badge tone="information">on</Badge> : <Badge tone="unknown">off</Badge>}
      >
        <p className={styles.soft}>
          Samples that nobody has seen for long can be deleted by themselves, with their matches and results of hunts.
          What came out of an archive goes with the archive. Nothing is deleted while this is off.
        </p>
        <div className={styles.form}>
          <Rules draft={draft} problem={problems?.rules} change={change} />
          <TextField
            label="At most"
            hint="With more than this, samples that were seen longest ago go as well. Such as 500 GB; empty for no limit."
            value={draft.most}
            problem={problems?.most}
            onChange={(most) => change({ most })}
          />
          <TextField
            label="Samples that always stay"
            hint="In the query language of the sample search: tag:keep OR classification:malicious"
            value={draft.keep}
            onChange={(keep) => change({ keep })}
          />
          <Switch
            label="Samples with matches stay"
            isOn={draft.keepMatched}
            onChange={(keepMatched) => change({ keepMatched })}
          >
            Samples with matches, or with hits of hunts, stay
          </Switch>
          <span className={styles.actions}>
            <Button
              isDisabled={problems !== null || preview.isPending}
              onPress={() => preview.mutate(requestOf(draft), { onError: notifyFailed })}
            >
              Preview
            </Button>
            <Button isDisabled={!isReady} onPress={() => save({}, 'The settings of retention are saved.')}>
              Save
            </Button>
            {policy.enabled ? (
              <Button isDisabled={!isReady} onPress={() => save({ enabled: false }, 'Retention is off.')}>
                Turn off
              </Button>
            ) : (
              <Button weight="danger" isDisabled={!isReady} onPress={() => setAsking(true)}>
                Turn on
              </Button>
            )}
            {policy.enabled && (
              <Button
                isDisabled={run.isPending || policy.last_run?.ended === null}
                onPress={() => run.mutate(null, { onError: notifyFailed })}
              >
                Delete now
              </Button>
            )}
          </span>
        </div>
      </Panel>
      {preview.data && <Preview of={preview.data} />}
      {policy.last_run && <LastRun run={policy.last_run} />}
      <Confirmation
        isOpen={isAsking}
        title="Turn retention on?"
        action="Turn on"
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setAsking(false)
          save({ enabled: true }, 'Retention is on.')
        }}
      >
        From the next run on, samples are deleted for good as it says here. The preview shows which.
      </Confirmation>
    </>
  )
}

function Rules({
  draft: { rules },
  problem,
  change,
}: {
  readonly draft: Draft
  readonly problem: string | undefined
  readonly change: (part: Partial<Draft>) => void
}) {
  return (
    <>
      {rules.map(({ id, days, query }, at) => {
        const edit = (part: { days?: string; query?: string }) =>
          change({ rules: rules.map((rule) => (rule.id === id ? { ...rule, ...part } : rule)) })
        return (
          <fieldset key={id} className={styles.form}>
            <legend>Rule {at + 1}</legend>
            <TextField
              label="Days after it was last seen"
              inputMode="numeric"
              value={days}
              problem={problem !== undefined && !/^[1-9]\d{0,4}$/.test(days) ? problem : undefined}
              onChange={(days) => edit({ days })}
            />
            <TextField
              label="Which samples"
              hint="In the query language of the sample search: source:ingest AND tag:feed. Empty for all of them."
              value={query}
              onChange={(query) => edit({ query })}
            />
            <span className={styles.actions}>
              <Button
                weight="quiet"
                aria-label={`Remove rule ${at + 1}`}
                onPress={() => change({ rules: rules.filter((rule) => rule.id !== id) })}
              >
                Remove
              </Button>
            </span>
          </fieldset>
        )
      })}
      <span className={styles.actions}>
        <Button
          onPress={() =>
            change({ rules: [...rules, { id: Math.max(0, ...rules.map(({ id }) => id)) + 1, days: '90', query: '' }] })
          }
        >
          Add a rule
        </Button>
      </span>
    </>
  )
}

type Counts = Pick<RetentionPreview, 'samples' | 'bytes' | 'kept'>

function Preview({ of }: { readonly of: RetentionPreview }) {
  return (
    <Panel title="What would go" aside={of.complete ? undefined : 'counted in part: there are more'}>
      <p role="status">
        {of.complete ? '' : 'At least '}
        {counted(of.samples, 'sample')} with {bytes(of.bytes)} would be deleted{keptIn(of)}.
        {of.oldest !== null && of.newest !== null && (
          <>
            {' '}
            They were last seen between <Moment at={of.oldest} /> and <Moment at={of.newest} />.
          </>
        )}
      </p>
      {of.examples.length > 0 && (
        <Table
          caption="The first samples that would go"
          columns={columns}
          rows={of.examples}
          keyOf={({ sha1 }) => sha1}
          empty={null}
        />
      )}
    </Panel>
  )
}

function LastRun({ run }: { readonly run: NonNullable<Policy['last_run']> }) {
  return (
    <Panel title="Latest run" aside={<Moment at={run.started} />}>
      <p role="status">
        {counted(run.samples, 'sample')} with {bytes(run.bytes)} {run.ended === null ? 'deleted so far' : 'deleted'}
        {keptIn(run)}.
      </p>
      {run.problem !== null && <p>It did not come to its end: {run.problem}</p>}
    </Panel>
  )
}

function keptIn({ kept: { matched, chosen, busy } }: Counts): string {
  const reasons = [
    matched > 0 && `${counted(matched, 'one', 'ones')} with matches`,
    chosen > 0 && `${counted(chosen, 'one', 'ones')} that always stay`,
    busy > 0 && `${counted(busy, 'one', 'ones')} that a hunt or the pipeline needs`,
  ].filter(Boolean)
  return reasons.length === 0 ? '' : `; kept: ${reasons.join(', ')}`
}

const columns: readonly Column<RetentionPreview['examples'][number]>[] = [
  { key: 'name', title: 'Name', cell: ({ name, sha1 }) => <Link to={`/samples/${sha1}`}>{name}</Link> },
  { key: 'size', title: 'Size', align: 'end', cell: ({ size }) => bytes(size) },
  { key: 'seen', title: 'Last seen', align: 'end', cell: ({ last_seen }) => <Moment at={last_seen} /> },
]
