import { sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import { type Database, listOf } from '../store/index.ts'
import { parseHash } from './hash.ts'
import type { SampleFilter, SamplePage } from './sample.ts'
import { samplesFrom, toSample } from './sample-row.ts'

/** Samples that fulfil the filter, newest first, `limit` at a time. `after` is a page's `next`. */
export async function searchSamples(
  database: Database,
  filter: SampleFilter,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<SamplePage> {
  const { text, fileTypes, classifications, tag, from, to } = filter
  const hash = text === undefined ? null : hashIn(text)
  let query = samplesFrom(database)
    .orderBy('last_seen', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (hash) query = query.where(hash.kind, '=', hash.bytes)
  else if (text)
    query = query.where(sql<boolean>`samples.name LIKE ${`%${text.replace(/[\\%_]/g, '\\$&')}%`} ESCAPE '\\'`)
  if (fileTypes) query = query.where('file_type', 'in', listOf(fileTypes))
  if (classifications) query = query.where('classification', 'in', classifications)
  if (from !== undefined) query = query.where('last_seen', '>=', from)
  if (to !== undefined) query = query.where('last_seen', '<=', to)
  if (tag !== undefined) {
    query = query.where('samples.id', 'in', (eb) => eb.selectFrom('tags').select('sample_id').where('tag', '=', tag))
  }
  if (after !== undefined) {
    const { lastSeen, id } = readToken(after)
    query = query.where(sql<boolean>`(last_seen, samples.id) < (${lastSeen}, ${id})`)
  }
  const rows = await query.execute()
  const samples = rows.slice(0, limit).map(toSample)
  const last = samples.at(-1)
  return { samples, next: rows.length > limit && last ? `${last.lastSeen}.${last.id}` : null }
}

function hashIn(text: string): ReturnType<typeof parseHash> | null {
  try {
    return parseHash(text)
  } catch {
    return null
  }
}

function readToken(token: string): { lastSeen: number; id: number } {
  const found = /^(\d{1,16})\.(\d{1,16})$/.exec(token)
  if (!found) throw new Failure('parameter.out-of-range')
  return { lastSeen: Number(found[1]), id: Number(found[2]) }
}
