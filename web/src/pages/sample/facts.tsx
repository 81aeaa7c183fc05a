import { Link } from 'react-router'
import { type Sample, type SampleDetails, useTagSamples } from '../../api/samples.ts'
import { Classification } from '../../parts/badge.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { exactly, Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { bytes, count, counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import styles from './facts.module.css'
import { samplesWith } from './rule-for.ts'

/** All but the SHA-256, which stands under the title. The TLSH leads to all samples with the same. */
export function Hashes({ of: { sha1, md5, sha512 }, tlsh }: { readonly of: Sample; readonly tlsh: string | null }) {
  const hashes = [
    ['SHA-1', sha1],
    ['MD5', md5],
    ['SHA-512', sha512],
    ['TLSH', tlsh],
  ] as const
  return (
    <Panel title="Hashes">
      <dl className={styles.hashes}>
        {hashes.map(
          ([kind, hash]) =>
            hash && (
              <div key={kind}>
                <dt>{kind}</dt>
                <dd title={kind === 'TLSH' ? `All samples with tlsh ${hash}` : hash}>
                  {kind === 'TLSH' ? <Link to={samplesWith({ field: 'tlsh', value: hash })}>{hash}</Link> : hash}
                </dd>
                <dd>
                  <CopyButton text={hash} what={kind} />
                </dd>
              </div>
            ),
        )}
      </dl>
    </Panel>
  )
}

const origins: Readonly<Record<string, string>> = { user: 'a user’s own', rules: 'rules that match' }

export function Facts({ of: { sample, indexed } }: { readonly of: SampleDetails }) {
  return (
    <Panel title="Details">
      <dl className={styles.facts}>
        <dt>Type</dt>
        <dd>
          {sample.file_type}
          {sample.type_description && <div className={styles.soft}>{sample.type_description}</div>}
        </dd>
        <dt>Size</dt>
        <dd>
          {bytes(sample.size)} <span className={styles.soft}>({count(sample.size)} bytes)</span>
        </dd>
        <dt>Classification</dt>
        <dd>
          <Classification of={sample.classification} />
          {sample.riskscore !== null && ` risk ${sample.riskscore}`}
        </dd>
        {sample.classification_origin && (
          <>
            <dt>By</dt>
            <dd>{origins[sample.classification_origin] ?? sample.classification_origin}</dd>
          </>
        )}
        {sample.threat_name && (
          <>
            <dt>Threat</dt>
            <dd>{sample.threat_name}</dd>
          </>
        )}
        <dt>First seen</dt>
        <dd title={exactly(sample.first_seen)}>
          <Moment at={sample.first_seen} />
        </dd>
        <dt>Last seen</dt>
        <dd title={exactly(sample.last_seen)}>
          <Moment at={sample.last_seen} />
        </dd>
        <dt>Index</dt>
        <dd>{indexed ? 'in it' : 'not in it; hunts scan it plainly'}</dd>
      </dl>
    </Panel>
  )
}

export function Tags({ of: { sample, tags } }: { readonly of: SampleDetails }) {
  const change = useTagSamples()
  return (
    <Panel title="Tags">
      {tags.length === 0 ? (
        <p className={styles.soft}>None yet; “Tag” above adds some.</p>
      ) : (
        <ul className={styles.tags}>
          {tags.map((tag) => (
            <li key={tag}>
              <Chip
                removeLabel={`Remove the tag ${tag}`}
                isDisabled={change.isPending}
                onRemove={() => change.mutate({ hashes: [sample.sha1], remove: [tag] }, { onError: notifyFailed })}
              >
                <Link to={`/samples?${new URLSearchParams({ tag })}`}>{tag}</Link>
              </Chip>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

const sources: Readonly<Record<string, string>> = {
  upload: 'uploaded',
  ingest: 'taken in on the server',
  member: 'came out of an archive',
}

export function Sightings({ of: { sightings } }: { readonly of: SampleDetails }) {
  return (
    <Panel title="Names and sightings" aside={counted(sightings.length, 'time')}>
      <ul className={styles.list}>
        {sightings.map(({ name, user, source, comment, seen }) => (
          <li key={seen + name}>
            {name}
            <small>
              {sources[source]} <Moment at={seen} />
              {user && ` by ${user}`}
              {comment && ` · ${comment}`}
            </small>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** Archives that it came out of, or what came out of it. */
export function Related({
  title,
  files,
  total = files.length,
}: {
  readonly title: string
  readonly files: SampleDetails['members']
  readonly total?: number
}) {
  if (files.length === 0) return null
  return (
    <Panel title={title} aside={counted(total, 'file')}>
      <ul className={styles.list}>
        {files.map(({ path, sample }) => (
          <li key={`${sample.sha1} ${path}`}>
            <Link to={`/samples/${sample.sha256 ?? sample.sha1}`}>{path}</Link>{' '}
            <Classification of={sample.classification} />
            <small>
              {sample.file_type} · {bytes(sample.size)}
            </small>
          </li>
        ))}
        {total > files.length && <li className={styles.soft}>and {counted(total - files.length, 'more file')}</li>}
      </ul>
    </Panel>
  )
}
