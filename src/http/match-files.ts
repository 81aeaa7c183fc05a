/** Matches as files: what analysts and other systems take away. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { MatchRow } from '../matches/index.ts'
import { classificationNames } from '../samples/index.ts'
import { toIso } from '../store/index.ts'
import { MatchShape } from './contract/matches.ts'
import { csvLines, hashLines } from './exported-lines.ts'
import { mispLines } from './match-misp.ts'
import { stixLines } from './match-stix.ts'

export function matchJson(match: MatchRow): Static<typeof MatchShape> {
  return {
    id: match.id,
    ruleset: match.ruleset,
    rule: match.rule,
    cloud: match.cloud,
    created: toIso(match.created),
    classification: classificationNames[match.classification],
    riskscore: match.riskScore,
    threat_name: match.threatName,
    sha1: match.sha1,
    sha256: match.sha256,
    md5: match.md5,
    filename: match.filename,
    file_type: match.fileType,
    file_size: match.fileSize,
    extracted_file_count: match.extractedFileCount,
    downloadable: match.downloadable,
  }
}

type Rows = AsyncIterable<MatchRow> | Iterable<MatchRow>

const formats = {
  csv: { type: 'text/csv', ending: 'csv', lines: (rows: Rows) => csvLines(rows, columns, matchJson) },
  json: { type: 'application/json', ending: 'json', lines: jsonLines },
  // By SHA-1 those of which only that is known.
  hashes: {
    type: 'text/plain',
    ending: 'txt',
    lines: (rows: Rows) => hashLines(rows, ({ sha256, sha1 }) => sha256 ?? sha1),
  },
  stix: { type: 'application/stix+json;version=2.1', ending: 'stix.json', lines: stixLines },
  misp: { type: 'application/json', ending: 'misp.json', lines: mispLines },
} as const

export type MatchFormat = keyof typeof formats
export const matchFormats = Object.keys(formats) as MatchFormat[]
export const matchFileTypes = [...new Set(Object.values(formats).map(({ type }) => type))]

/** What cannot be written is refused before the first byte. */
export async function sendMatches(reply: FastifyReply, format: MatchFormat, rows: Rows): Promise<FastifyReply> {
  const { type, ending, lines } = formats[format]
  const rest = lines(rows)
  const first = await rest.next()
  return reply
    .type(format === 'stix' ? type : `${type}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="matches.${ending}"`)
    .send(Readable.from(first.done ? [] : afterFirst(first.value, rest)))
}

async function* afterFirst(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}

const columns = Object.keys(MatchShape.properties).filter((name) => name !== 'id') as (keyof Static<
  typeof MatchShape
>)[]

/** One array, a match a line. */
async function* jsonLines(rows: Rows): AsyncGenerator<string> {
  let between = '[\n'
  for await (const row of rows) {
    yield between + JSON.stringify(matchJson(row))
    between = ',\n'
  }
  yield between === '[\n' ? '[]\n' : '\n]\n'
}
