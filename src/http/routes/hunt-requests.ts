/** What a hunt is asked with: the texts, and the part of the corpus. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { Selection } from '../../hunts/index.ts'
import { classificationNames, parseHash } from '../../samples/index.ts'
import { type Classification, type Micros, toIso } from '../../store/index.ts'
import { SelectionShape } from '../contract/hunts.ts'
import { YaraText } from '../parameters.ts'
import { readQuery } from '../queries.ts'

export const HuntPath = Type.Object({ id: Type.Integer({ minimum: 1 }) })

/**
 * A list only: of a text or a list of texts, the validator's coercion would make the one out of the other.
 */
export const RulesShape = Type.Array(
  Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), content: YaraText }),
  { minItems: 1, maxItems: 10_000, description: 'YARA texts with their names, each a ruleset of its own' },
)

/** What makes a hunt. */
export const huntRequest = {
  rules: RulesShape,
  title: Type.Optional(Type.String({ maxLength: 200 })),
  selection: Type.Optional(SelectionShape),
  index: Type.Optional(Type.Boolean({ description: 'false scans every sample plainly, for comparison' })),
  partial: Type.Optional(
    Type.Boolean({ description: 'true: where some rules do not compile, the others are hunted with' }),
  ),
  most_read: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'bytes of samples that the hunt may read, as the index tells before it starts; absent: any number',
    }),
  ),
  costly: Type.Optional(
    Type.Enum(['refuse', 'leave-out'], {
      description:
        'above `most_read`: refuse the hunt and say which rules cost it (default), or leave out the costliest rules',
    }),
  ),
  repeats: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'an earlier hunt that the results are compared with, whatever its texts; ignored when it is gone',
    }),
  ),
}

export function selectionOf(asked: Static<typeof SelectionShape>): Selection {
  // Refused here, and not when the hunt begins.
  if (asked.query !== undefined) readQuery(asked.query)
  const given = {
    firstSeenFrom: microsOf(asked.first_seen?.from),
    firstSeenTo: microsOf(asked.first_seen?.to),
    lastSeenFrom: microsOf(asked.last_seen?.from),
    lastSeenTo: microsOf(asked.last_seen?.to),
    classifications: asked.classifications?.map((name) => classificationNames.indexOf(name) as Classification),
    fileTypes: asked.file_types,
    tags: asked.tags,
    namePattern: asked.name,
    query: asked.query,
    minSize: asked.min_size,
    maxSize: asked.max_size,
    hashes: asked.hashes?.map((hash) => parseHash(hash).hex),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

export function selectionJson(selection: Selection): Static<typeof SelectionShape> {
  const period = (from?: Micros, to?: Micros) =>
    from === undefined && to === undefined
      ? undefined
      : { ...(from !== undefined && { from: toIso(from) }), ...(to !== undefined && { to: toIso(to) }) }
  const fields = {
    first_seen: period(selection.firstSeenFrom, selection.firstSeenTo),
    last_seen: period(selection.lastSeenFrom, selection.lastSeenTo),
    classifications: selection.classifications?.map((classification) => classificationNames[classification]),
    file_types: selection.fileTypes,
    tags: selection.tags,
    name: selection.namePattern,
    query: selection.query,
    min_size: selection.minSize,
    max_size: selection.maxSize,
    hashes: selection.hashes,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function microsOf(time: string | undefined): Micros | undefined {
  if (time === undefined) return undefined
  const milliseconds = Date.parse(time)
  if (Number.isNaN(milliseconds))
    throw new Failure('parameter.out-of-range', `Parameter not in expected range: ${time} is not a time.`)
  return milliseconds * 1000
}
