/**
 * Matches as a STIX 2.1 bundle: a `file` for each sample and a `malware-analysis` for each rule that holds for it, by the
 * `tool` that found it. Ids follow from what they are of, so the same match exported twice is one object to whoever
 * reads both.
 */
import { v5 } from 'uuid'
import type { MatchRow } from '../matches/index.ts'
import { classificationNames } from '../samples/index.ts'
import { packageVersion } from './version.ts'

/** For the ids of cyber observables: STIX 2.1, section 2.9. */
const OBSERVABLES = '00abedb4-aa42-466c-9c23-fed23a9bfd4c'
/** For the ids of Backtrail's own objects; made once, at random. */
const OWN = 'b6f5d8b4-6c0e-4f0a-9b57-0a3c1a6b7f52'
const results = { goodware: 'benign', suspicious: 'suspicious', malicious: 'malicious', unknown: 'unknown' } as const

export async function* stixLines(matches: AsyncIterable<MatchRow> | Iterable<MatchRow>): AsyncGenerator<string> {
  const files = new Set<string>()
  const bundle = v5(new Date().toISOString(), OWN)
  yield `{"type":"bundle","id":"bundle--${bundle}","objects":[\n${JSON.stringify(author)}`
  for await (const match of matches) {
    const file = fileOf(match)
    if (!files.has(file.id)) yield `,\n${JSON.stringify(file)}`
    files.add(file.id)
    yield `,\n${JSON.stringify(analysisOf(match, file.id))}`
  }
  yield '\n]}\n'
}

const author = {
  type: 'identity',
  spec_version: '2.1',
  id: `identity--${v5('author', OWN)}`,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  name: 'Backtrail',
  identity_class: 'system',
}

function fileOf({ md5, sha1, sha256, fileSize, filename }: MatchRow) {
  const hashes = { ...(md5 && { MD5: md5 }), 'SHA-1': sha1, ...(sha256 && { 'SHA-256': sha256 }) }
  // Of a file, its id is of its name and of the first hash that is there, in canonical JSON (RFC 8785).
  const [first] = Object.entries(hashes)
  const name = filename === '' ? {} : { name: filename }
  const known = { hashes: first && { [first[0]]: first[1] }, ...name }
  return {
    type: 'file',
    spec_version: '2.1',
    id: `file--${v5(JSON.stringify(known), OBSERVABLES)}`,
    hashes,
    size: fileSize,
    ...name,
  }
}

function analysisOf({ ruleset, rule, sha1, created, classification }: MatchRow, file: string) {
  const time = new Date(created / 1000).toISOString()
  return {
    type: 'malware-analysis',
    spec_version: '2.1',
    id: `malware-analysis--${v5(JSON.stringify([ruleset, rule, sha1]), OWN)}`,
    created_by_ref: author.id,
    created: time,
    modified: time,
    product: 'backtrail',
    version: packageVersion,
    analysis_ended: time,
    result: results[classificationNames[classification]],
    result_name: `${ruleset}/${rule}`,
    sample_ref: file,
  }
}
