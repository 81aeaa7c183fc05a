/** Samples on the wire. */
import { Type } from 'typebox'
import { classificationNames } from '../../samples/index.ts'
import { ProgramShape } from './programs.ts'
import { Time } from './times.ts'

export const ClassificationName = Type.Enum([...classificationNames])

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()])

export const SampleShape = Type.Object({
  sha256: orNull(Type.String()),
  sha1: Type.String(),
  md5: orNull(Type.String()),
  sha512: orNull(Type.String()),
  name: Type.String({ description: 'the name that it was last seen under' }),
  size: Type.Integer(),
  file_type: Type.String(),
  type_description: Type.String(),
  first_seen: Time,
  last_seen: Time,
  processed: Type.Boolean({ description: 'false while it waits for the pipeline' }),
  extracted_file_count: Type.Integer(),
  classification: ClassificationName,
  riskscore: orNull(Type.Integer()),
  threat_name: orNull(Type.String()),
  classification_origin: orNull(Type.Enum(['user', 'rules'])),
  downloadable: Type.Boolean({ description: 'the content is on this appliance' }),
})

export const SampleSearchShape = Type.Object({
  results: Type.Array(SampleShape),
  next: Type.Union([Type.String(), Type.Null()], {
    description: '`after` of the next page. A page may be short, even empty, although there is a next one',
  }),
})

export const SmallUploadsShape = Type.Object({
  results: Type.Array(
    Type.Object({
      filename: Type.String(),
      stored: orNull(
        Type.Object({
          id: Type.Integer(),
          sha1: Type.String(),
          sha256: Type.String(),
          known: Type.Boolean({ description: 'the content was here before' }),
        }),
      ),
      refused: Type.Union(
        [
          Type.Object({
            code: Type.Integer({ description: 'the HTTP status that it would have had by itself' }),
            error: Type.String(),
            message: Type.String(),
            detail: Type.Record(Type.String(), Type.Unknown()),
          }),
          Type.Null(),
        ],
        { description: 'why this file is not stored; the others are' },
      ),
    }),
    { description: 'one for each file, in the order of the form' },
  ),
})

const Related = Type.Object({ path: Type.String(), sample: SampleShape })

export const SampleDetailsShape = Type.Object({
  sample: SampleShape,
  program: Type.Union([ProgramShape, Type.Null()], {
    description: 'what a program is made of; null for what is none, or is not known',
  }),
  tlsh: Type.Union([Type.String(), Type.Null()], {
    description:
      '`T1` and 70 digits, of programs and documents up to 64 MB. Null for other samples, for what has too little variety, ' +
      'and for a moment after the sample was processed: it is computed in the background',
  }),
  note: Type.Union([Type.String(), Type.Null()], { description: 'what could not be done with it' }),
  indexed: Type.Boolean(),
  tags: Type.Array(Type.String()),
  sightings: Type.Array(
    Type.Object({
      name: Type.String(),
      user: Type.Union([Type.String(), Type.Null()]),
      source: Type.Enum(['upload', 'ingest', 'member']),
      comment: Type.Union([Type.String(), Type.Null()]),
      seen: Time,
      folder: Type.Union([Type.String(), Type.Null()], { description: '`filepath` of rules' }),
      owner: Type.Union([Type.String(), Type.Null()], { description: '`owner` of rules' }),
    }),
    { description: 'newest first, at most 100' },
  ),
  parents: Type.Array(Related, { description: 'archives that it came out of, at most 100' }),
  members: Type.Array(Related, { description: 'what came out of it, at most 100; `extracted-files` has them all' }),
  matches: Type.Array(
    Type.Object({ ruleset: Type.String(), rule: Type.String(), cloud: Type.Boolean(), created: Time }),
    { description: 'by ruleset and rule, at most 1,000' },
  ),
})

/** A place where a string of a rule was found. */
export const MatchedStringShape = Type.Object({
  identifier: Type.String(),
  offset: Type.Integer(),
  length: Type.Integer(),
  hex: Type.String({ description: 'bytes of the match and around it' }),
  text: Type.String({ description: 'the same bytes, a dot for what is not printable ASCII' }),
  start: Type.Integer({ description: 'where in those bytes the match starts' }),
})

export const MatchedStringsShape = Type.Object({
  rules: Type.Array(
    Type.Object({
      rule: Type.String(),
      tags: Type.Array(Type.String()),
      strings: Type.Array(MatchedStringShape, {
        description: 'by ascending offset; at most 64 of one string and 1,000 of a rule',
      }),
    }),
  ),
  trouble: Type.Union([Type.String(), Type.Null()], {
    description: 'why the ruleset could not be run to its end on this sample',
  }),
})

export const EntropyShape = Type.Object({
  size: Type.Integer(),
  bits: Type.Array(Type.Number(), {
    description: 'bits a byte (0 to 8) of equal slices; slice i of n ends at byte floor((i + 1) * size / n)',
  }),
})
