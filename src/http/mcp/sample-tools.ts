/** Tools for what is stored: matches, samples, and where the strings of a ruleset are in one. */
import { Type } from 'typebox'
import { checkName } from '../../rulesets/index.ts'
import { MatchSearchShape } from '../contract/matches.ts'
import { MatchedStringsShape, SampleDetailsShape, SampleSearchShape } from '../contract/samples.ts'
import { HashPath, RulesetName } from '../parameters.ts'
import { foundMatches, matchFilters } from '../routes/match-search.ts'
import { detailsOf, foundSamples, searchFilters } from '../routes/sample-search.ts'
import { OwnBytesShape, ownBytes } from './matched-strings.ts'
import { after, limit, next, page } from './pages.ts'
import { tool } from './tool.ts'

export const findMatches = tool({
  name: 'find_matches',
  title: 'Find matches',
  description:
    'Find matches of saved rulesets, those recorded last first, page by page: by ruleset, rule, file type, ' +
    'classification, tag, size and time. A page may be short, even empty, although there is a next one.',
  operation: 'searchMatches',
  changes: false,
  input: Type.Object({
    ...matchFilters,
    after: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'the `next_after` of the page before',
      }),
    ),
    limit: limit(50, 200),
  }),
  output: MatchSearchShape,
  untrusted: ['results[].filename', 'results[].file_type', 'results[].threat_name'],
  run: (input, { appliance }) => foundMatches(appliance.matches, input),
})

/** Of a sample, below the place given. */
const textsOfSample = (place: string) =>
  ['name', 'file_type', 'type_description', 'threat_name'].map((field) => `${place}.${field}`)

export const findSamples = tool({
  name: 'find_samples',
  title: 'Find samples',
  description:
    'Find stored samples, last seen first, page by page: by hash, part of a name, file type, classification, tag and ' +
    'time. A page may be short, even empty, although there is a next one.',
  operation: 'searchSamples',
  changes: false,
  input: Type.Object({
    ...searchFilters,
    after: Type.Optional(Type.String({ maxLength: 40, description: 'the `next` of the page before' })),
    limit: limit(50, 200),
  }),
  output: SampleSearchShape,
  untrusted: textsOfSample('results[]'),
  run: (input, { appliance }) => foundSamples(appliance.samples, input),
})

const details = SampleDetailsShape.properties
/** The lists of a sample's details. */
const lists = ['tags', 'sightings', 'parents', 'members', 'matches'] as const

export const sampleDetails = tool({
  name: 'sample_details',
  title: 'Get everything about a sample',
  description:
    'Get what is known of one sample: hashes, type, what a program is made of, names it was seen under, tags, archives ' +
    'it came out of, files that came out of it, and the rules that match it. Never its bytes.',
  operation: 'getSampleDetails',
  changes: false,
  input: Type.Object({
    ...HashPath.properties,
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'entries of each list' }),
  }),
  output: Type.Object({
    ...details,
    cut: Type.Array(Type.Enum([...lists]), { description: 'lists that have more entries than `limit`' }),
  }),
  untrusted: [
    ...textsOfSample('sample'),
    'program.sections.first[].name',
    'program.imports.first[].name',
    'program.exports.first[]',
    'program.signers[].subject',
    'program.signers[].issuer',
    'program.version[].name',
    'program.version[].value',
    'program.pdb',
    'program.resources.first[].type',
    'program.dotnet.version',
    'program.dotnet.module',
    'note',
    'tags[]',
    'sightings[].name',
    'sightings[].comment',
    'sightings[].folder',
    'sightings[].owner',
    'parents[].path',
    ...textsOfSample('parents[].sample'),
    'members[].path',
    ...textsOfSample('members[].sample'),
  ],
  async run({ hash, limit }, { appliance: { samples, matches } }) {
    const found = await detailsOf(hash, samples, matches, limit)
    return {
      ...found,
      tags: found.tags.slice(0, limit),
      sightings: found.sightings.slice(0, limit),
      parents: found.parents.slice(0, limit),
      members: found.members.slice(0, limit),
      matches: found.matches.slice(0, limit),
      cut: lists.filter((list) => found[list].length > limit),
    }
  },
})

export const matchStrings = tool({
  name: 'match_strings',
  title: 'Find where a ruleset matches a sample',
  description:
    'Scan one sample again with a saved ruleset, and tell where the strings of the rules that match it are: offset, ' +
    'length, and the first bytes of each match. No other bytes of the sample are shown. At most 64 places of one ' +
    'string and 1,000 of a rule are found.',
  operation: 'findMatchedStrings',
  changes: false,
  input: Type.Object({
    ...HashPath.properties,
    ruleset: RulesetName,
    after: after('places'),
    limit: limit(50, 200),
  }),
  output: Type.Object({
    rules: Type.Array(
      Type.Object({ rule: Type.String(), tags: Type.Array(Type.String()), strings_count: Type.Integer() }),
      {
        description: 'the rules that match, the first 200',
      },
    ),
    rules_count: Type.Integer(),
    trouble: MatchedStringsShape.properties.trouble,
    count: Type.Integer({ description: 'places of all rules' }),
    next_after: next('places'),
    results: Type.Array(Type.Object({ rule: Type.String(), ...OwnBytesShape.properties }), {
      description: 'by rule, then by ascending offset',
    }),
  }),
  untrusted: ['results[].hex', 'results[].text'],
  async run({ hash, ruleset, after, limit }, { appliance, signal }) {
    checkName(ruleset, 'ruleset.name-invalid')
    const { rules, trouble } = await appliance.inspection.strings(hash, ruleset, signal)
    const all = rules.flatMap(({ rule, strings }) => strings.map((string) => ({ rule, string })))
    const { results, ...found } = page(all, after, limit)
    return {
      rules: rules.slice(0, MOST_RULES).map(({ rule, tags, strings }) => ({
        rule,
        tags: [...tags],
        strings_count: strings.length,
      })),
      rules_count: rules.length,
      trouble,
      ...found,
      results: results.map(({ rule, string }) => ({ rule, ...ownBytes(string) })),
    }
  },
})

const MOST_RULES = 200
