import type { Selection } from '../../api/hunts.ts'
import { exactly } from '../../parts/moment.tsx'
import { bytes, counted } from '../../parts/numbers.ts'

const EVERYTHING = 'all samples'

/** The part of the corpus that a hunt covers, in words. */
export function selectionWords(selection: Selection, hashCount: number): string {
  const { classifications, file_types, tags, name, min_size, max_size, first_seen, last_seen, query } = selection
  const words = [
    classifications?.join(' or '),
    file_types && `of type ${file_types.join(' or ')}`,
    tags && `tagged ${tags.join(' or ')}`,
    name && `named ${name}`,
    min_size !== undefined && `from ${bytes(min_size)}`,
    max_size !== undefined && `up to ${bytes(max_size)}`,
    query && `that fulfil ${query}`,
    hashCount > 0 && `of ${counted(hashCount, 'hash', 'hashes')}`,
    period('first seen', first_seen),
    period('last seen', last_seen),
  ].filter(Boolean)
  return words.length === 0 ? EVERYTHING : `samples ${words.join(', ')}`
}

/** A selection that no sample is in: `no samples named x*`. */
export function noneOf(selection: Selection, hashCount: number): string {
  const words = selectionWords(selection, hashCount)
  return words === EVERYTHING ? 'no samples' : `no ${words}`
}

function period(what: string, times: Selection['first_seen']): string | false {
  if (!times || (!times.from && !times.to)) return false
  return [what, times.from && `from ${exactly(times.from)}`, times.to && `until ${exactly(times.to)}`]
    .filter(Boolean)
    .join(' ')
}
