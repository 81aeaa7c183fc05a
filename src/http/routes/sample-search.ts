/** Samples by what they are, and everything about one of them: additions to the specification. */
import { type Static, Type } from 'typebox'
import type { Matches } from '../../matches/index.ts'
import type { SampleFilter, Samples } from '../../samples/index.ts'
import { toIso } from '../../store/index.ts'
import { CountedShape } from '../contract/paging.ts'
import { SampleDetailsShape, SampleSearchShape } from '../contract/samples.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashPath } from '../parameters.ts'
import { readQuery } from '../queries.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { programJson } from './program-json.ts'
import { classificationNumber, periodOf, sampleFilters, sampleJson } from './sample-shapes.ts'

const statuses = { 400: 'A parameter is malformed.', 403: 'No token, or an unknown one.' }

const MOST_MATCHES = 1_000

/** What a search for samples asks. */
export const searchFilters = {
  query: Type.Optional(
    Type.String({ description: 'in the query language of docs/api.md: `type:PE/Exe AND size:>1MB NOT tag:seen`' }),
  ),
  q: Type.Optional(Type.String({ maxLength: 500, description: 'a hash of any kind, or a part of the name' })),
  ...sampleFilters,
}
const SearchFilters = Type.Object(searchFilters)

export function addSampleSearch(app: HttpServer, { appliance: { samples, matches } }: RouteParts): void {
  app.get(
    '/api/samples/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'searchSamples',
        summary: 'Search samples, last seen first',
        querystring: Type.Object({
          ...searchFilters,
          after: Type.Optional(Type.String({ maxLength: 40 })),
          limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
        }),
        response: { 200: SampleSearchShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query }) => foundSamples(samples, query),
  )

  app.get(
    '/api/samples/count/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'countSamples',
        summary: 'Count the samples that a search finds',
        querystring: SearchFilters,
        response: { 200: CountedShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query }) => samples.count(filterOf(query)),
  )

  app.get(
    '/api/samples/file-types/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'listFileTypes',
        summary: 'List the file types that samples have',
        response: {
          200: Type.Object({ results: Type.Array(Type.String()) }),
          ...refusals(yaraEnvelope, { 403: statuses[403] }),
        },
      },
    },
    async () => ({ results: [...(await samples.fileTypes())] }),
  )

  app.get(
    '/api/samples/:hash/details/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'getSampleDetails',
        summary: 'Get everything about a sample: names, tags, parents, members, matches',
        params: HashPath,
        response: {
          200: SampleDetailsShape,
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
        },
      },
    },
    async ({ params: { hash } }) => detailsOf(hash, samples, matches),
  )
}

/** A page of a search as it is answered on the wire. */
export async function foundSamples(
  samples: Samples,
  { after, limit, ...query }: Static<typeof SearchFilters> & { readonly after?: string; readonly limit: number },
): Promise<Static<typeof SampleSearchShape>> {
  const page = await samples.search(filterOf(query), { limit, ...(after !== undefined && { after }) })
  return { results: page.samples.map(sampleJson), next: page.next }
}

/** Everything about a sample as it is answered on the wire; of what a program is made of the first `limit` of each list. */
export async function detailsOf(
  hash: string,
  samples: Samples,
  matches: Matches,
  limit?: number,
): Promise<Static<typeof SampleDetailsShape>> {
  const { sample, tags, sightings, parents, members, program, tlsh } = await samples.details(hash)
  const found = await matches.ofSample(sample.id)
  return {
    sample: sampleJson(sample),
    program: program && programJson(program, limit),
    tlsh,
    note: sample.note,
    indexed: sample.indexed,
    tags: [...tags],
    sightings: sightings.map((sighting) => ({ ...sighting, seen: toIso(sighting.seen) })),
    parents: parents.map(({ path, sample }) => ({ path, sample: sampleJson(sample) })),
    members: members.map(({ path, sample }) => ({ path, sample: sampleJson(sample) })),
    matches: found
      .slice(0, MOST_MATCHES)
      .map(({ ruleset, rule, cloud, created }) => ({ ruleset, rule, cloud, created: toIso(created) })),
  }
}

function filterOf({ query, q, file_type, classification, tag, from, to }: Static<typeof SearchFilters>): SampleFilter {
  const condition = query === undefined ? null : readQuery(query)
  return {
    ...(condition && { query: condition }),
    ...(q?.trim() && { text: q.trim() }),
    ...(file_type && { fileTypes: file_type }),
    ...(classification && { classifications: classification.map(classificationNumber) }),
    ...(tag && { tag }),
    ...periodOf(from, to),
  }
}
