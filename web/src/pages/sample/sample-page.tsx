import { Download } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import { useNavigate, useParams } from 'react-router'
import { useAllow } from '../../api/allow-lists.ts'
import { atServer } from '../../api/root.ts'
import { type SampleDetails, useEntropy, useSample, useStrings } from '../../api/samples.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Badge, Classification } from '../../parts/badge.tsx'
import { LinkButton } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { bytes } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SampleActions } from '../../parts/sample-actions.tsx'
import { EntropyPicture } from './entropy-picture.tsx'
import { Facts, Hashes, Related, Sightings, Tags } from './facts.tsx'
import { HexView } from './hex-view.tsx'
import { NoteOf } from './locked-note.tsx'
import { marksOf } from './marks.ts'
import { MatchesPanel } from './matches-panel.tsx'
import { ProgramPanels } from './program-panels.tsx'
import styles from './sample-page.module.css'
import { StringsList } from './strings-list.tsx'

export function Component() {
  const { hash = '' } = useParams()
  const { data, error, refetch } = useSample(hash)
  if (error) {
    return (
      <>
        <PageHead title="Sample" />
        <Problem error={error} onRetry={() => void refetch()} />
      </>
    )
  }
  if (!data) return <PageHead title="Sample" about="Loading …" />
  return <SampleView details={data} />
}

function SampleView({ details }: { readonly details: SampleDetails }) {
  const { sample, note, matches, parents, members } = details
  const navigate = useNavigate()
  return (
    <>
      <PageHead
        title={sample.name}
        about={
          <div className={styles.about}>
            {sample.sha256 && (
              <div className={styles.hash}>
                <code>{sample.sha256}</code>
                <CopyButton text={sample.sha256} what="SHA-256" />
              </div>
            )}
            {sample.processed ? (
              <Classification of={sample.classification} />
            ) : (
              <Badge tone="information">being matched</Badge>
            )}
            {sample.threat_name && <span>{sample.threat_name}</span>}
            <span>{sample.file_type}</span>
            <span>{bytes(sample.size)}</span>
          </div>
        }
        actions={
          <>
            <SampleActions hashes={[sample.sha1]} onDeleted={() => void navigate('/samples', { replace: true })} />
            {sample.downloadable && (
              <LinkButton href={atServer(`/api/samples/${sample.sha1}/download/`)} download>
                <Download size={14} aria-hidden /> Raw
              </LinkButton>
            )}
          </>
        }
      />
      {note && <NoteOf hash={sample.sha1} note={note} isProcessed={sample.processed} />}
      <div className={styles.columns}>
        <div className={styles.column}>
          <Inside details={details} matches={matches} />
        </div>
        <div className={styles.column}>
          <Hashes of={sample} tlsh={details.tlsh} />
          <Facts of={details} />
          <Tags of={details} />
          <Related title="Parents" files={parents} />
          <Related
            title="Contained files"
            files={members}
            total={Math.max(sample.extracted_file_count, members.length)}
          />
          <Sightings of={details} />
        </div>
      </div>
    </>
  )
}

const initial = { ruleset: '', rule: '', at: '' }

/** Matches, strings, entropy and bytes, which belong together: choosing in one moves the others; and what it is made of. */
function Inside({
  details: { sample, program },
  matches,
}: {
  readonly details: SampleDetails
  readonly matches: SampleDetails['matches']
}) {
  const hash = sample.sha256 ?? sample.sha1
  const [{ ruleset, rule, at }, change] = useAddressState(initial)
  const strings = useStrings(hash, ruleset && sample.downloadable ? ruleset : null)
  const entropy = useEntropy(hash, sample.downloadable)
  const marks = useMemo(() => marksOf(ruleset ? strings.data : undefined, rule), [strings.data, ruleset, rule])
  const offset = Math.min(Math.max(0, sample.size - 1), /^\d{1,15}$/.test(at) ? Number(at) : 0)
  const move = (to: number) => change({ at: String(to) }, { replace: true })

  const user = useUser()
  const allow = useAllow()
  const onAllow = (ruleset: string, rule: string) =>
    allow.mutate(
      { ruleset, rule, kind: 'hash', value: hash },
      {
        onError: notifyFailed,
        onSuccess: () => notifyDone(`${rule} of ${ruleset} will not match this sample again; this match is kept.`),
      },
    )

  // A match that was just opened begins with its first string.
  const first = marks[0]?.offset
  useEffect(() => {
    if (at === '' && first !== undefined) change({ at: String(first) }, { replace: true })
  }, [at, first, change])

  return (
    <>
      <MatchesPanel
        matches={matches}
        isProcessed={sample.processed}
        ruleset={ruleset}
        rule={rule}
        onChoose={(ruleset, rule) => change({ ruleset, rule, at: '' })}
        onAllow={mayWork(user) ? onAllow : null}
      />
      {program && <ProgramPanels program={program} />}
      {sample.downloadable ? (
        <>
          <Panel title="Entropy" aside="0 to 8 bits a byte">
            {entropy.isError ? (
              <Problem error={entropy.error} onRetry={() => void entropy.refetch()} />
            ) : entropy.data ? (
              <EntropyPicture entropy={entropy.data} marks={marks} at={offset} onMove={move} />
            ) : (
              <p>Measuring …</p>
            )}
          </Panel>
          <Panel title={rule ? `Strings of ${rule}` : 'Bytes'}>
            {ruleset && <StringsState strings={strings} marks={marks.length} />}
            {marks.length > 0 && <StringsList marks={marks} at={offset} onMove={move} />}
            <HexView hash={hash} size={sample.size} at={offset} marks={marks} onMove={move} />
          </Panel>
        </>
      ) : (
        <Panel title="Content">
          <p>Only the cloud has this sample, so there is nothing to look into here.</p>
        </Panel>
      )}
    </>
  )
}

function StringsState({ strings, marks }: { readonly strings: ReturnType<typeof useStrings>; readonly marks: number }) {
  if (strings.isError) return <Problem error={strings.error} onRetry={() => void strings.refetch()} />
  if (strings.isPending) return <p aria-live="polite">Scanning the sample again for the strings …</p>
  if (strings.data.trouble) return <Problem error={new Error(strings.data.trouble)} />
  return marks > 0 ? null : (
    <p>This rule matches without showing any string: by its condition, or by private strings.</p>
  )
}
