import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { newestFirst, useMatches } from '../../api/matches.ts'
import { type Overview, useHealth, useOverview } from '../../api/overview.ts'
import { Classification, classifications } from '../../parts/badge.tsx'
import { LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { bytes, count, counted, share } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ActivityPanel } from './activity-panel.tsx'
import styles from './overview-page.module.css'
import { RunningPanel } from './running-panel.tsx'
import { TodayPanel } from './today-panel.tsx'

export function Component() {
  const overview = useOverview()
  if (overview.isError && !overview.data) {
    return (
      <>
        <PageHead title="Overview" />
        <Problem error={overview.error} onRetry={() => void overview.refetch()} />
      </>
    )
  }
  return (
    <>
      <PageHead title="Overview" />
      {overview.data?.samples === 0 ? (
        <Welcome />
      ) : (
        <div className={styles.first}>
          <TodayPanel />
        </div>
      )}
      <Tiles of={overview.data} />
      <div className={styles.columns}>
        <div className={styles.wide}>
          <ActivityPanel />
        </div>
        <Shares of={overview.data} />
        <RunningPanel />
        <div className={styles.wide}>
          <LatestMatches />
        </div>
      </div>
    </>
  )
}

function Welcome() {
  return (
    <EmptyState
      title="Nothing is here yet"
      action={
        <>
          <LinkButton href="/samples" weight="main">
            Upload samples
          </LinkButton>
          <LinkButton href="/workbench">Write a ruleset</LinkButton>
        </>
      }
    >
      Samples are matched with all enabled rulesets as they arrive.
    </EmptyState>
  )
}

function Tiles({ of }: { readonly of: Overview | undefined }) {
  const health = useHealth()
  return (
    <dl className={styles.tiles}>
      <Tile title="Samples" value={of && count(of.samples)} more={of && bytes(of.sample_bytes)} />
      <Tile title="Matches" value={of && count(of.matches)} more={<Link to="/matches">see them</Link>} />
      <Tile
        title="Being matched"
        value={of && count(of.queued)}
        more={
          of && (of.queued === 0 ? 'all have been' : of.queued === 1 ? 'sample in the queue' : 'samples in the queue')
        }
      />
      <Tile
        title="Index"
        value={of && bytes(of.index.bytes)}
        more={
          of &&
          (of.index.damaged > 0
            ? counted(of.index.damaged, 'segment is being rebuilt', 'segments are being rebuilt')
            : `${share(of.index.bytes, of.sample_bytes)} of the samples`)
        }
      />
      <Tile
        title="Free storage"
        value={health.data && bytes(health.data.storage.free_bytes)}
        more={health.data && `of ${bytes(health.data.storage.whole_bytes)}`}
      />
    </dl>
  )
}

function Tile({
  title,
  value,
  more,
}: {
  readonly title: string
  readonly value: string | undefined
  readonly more: ReactNode
}) {
  return (
    <div className={styles.tile}>
      <dt>{title}</dt>
      <dd>{value ?? '…'}</dd>
      <dd>{more ?? '…'}</dd>
    </div>
  )
}

function Shares({ of }: { readonly of: Overview | undefined }) {
  const counts = [...classifications].reverse().map((name) => ({ name, samples: of?.by_classification[name] ?? 0 }))
  const whole = of?.samples ?? 0
  return (
    <Panel title="Classification">
      <div className={styles.shares} aria-hidden>
        {counts.map(
          ({ name, samples }) =>
            samples > 0 && <div key={name} className={styles.share} data-of={name} style={{ flexGrow: samples }} />,
        )}
      </div>
      <ul className={styles.legend}>
        {counts.map(({ name, samples }) => (
          <li key={name}>
            <span className={styles.dot} data-of={name} aria-hidden />
            <Link to={`/samples?classification=${name}`}>{name}</Link>
            <span>{count(samples)}</span>
            <span>{share(samples, whole)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

const LATEST = 8

function LatestMatches() {
  const list = useMatches({}, newestFirst)
  const rows = list.data?.pages[0]?.rows.slice(0, LATEST)
  return (
    <Panel title="Latest matches" aside={<LinkButton href="/matches">All matches</LinkButton>}>
      {list.isError && !list.data ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <p className={styles.soft}>
          None yet. <Link to="/workbench">Write a ruleset</Link>, then upload samples or run Local Retro.
        </p>
      ) : (
        <ul className={styles.list}>
          {rows?.map(({ id, rule, ruleset, filename, sha256, sha1, classification, created }) => (
            <li key={id}>
              <span>
                <Link
                  className={styles.rule ?? ''}
                  to={`/samples/${sha256 ?? sha1}?${new URLSearchParams({ ruleset, rule })}`}
                >
                  {rule}
                </Link>{' '}
                <span className={styles.soft}>on</span> {filename}
              </span>
              <span className={styles.soft}>
                <Classification of={classification} /> <Moment at={created} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
