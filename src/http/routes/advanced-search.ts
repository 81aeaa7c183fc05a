/** The vendor's advanced search, versions 3 and 2: the query language of this server, in pages with numbers. */
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { classificationNames, type Sample } from '../../samples/index.ts'
import { sampleSortKeys, toIso } from '../../store/index.ts'
import { QUERY_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { Flag, isSet } from '../parameters.ts'
import { readQuery } from '../queries.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const Entry = Type.Object({
  available: Type.Boolean(),
  sha1: Type.String(),
  sha256: Type.Optional(Type.String()),
  md5: Type.Optional(Type.String()),
  classification: Type.Enum([...classificationNames]),
  threatname: Type.Optional(Type.String()),
  factor: Type.Optional(Type.Integer({ description: 'the risk score' })),
  size: Type.Integer(),
  sampletype: Type.String(),
  filename: Type.String(),
  filecount: Type.Integer(),
  firstseen: Type.String({ format: 'date-time' }),
  lastseen: Type.String({ format: 'date-time' }),
})

/** Version 1 has longer pages. */
const bodyOf = (mostRecords: number) =>
  Type.Object({
    query: Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())], {
      description:
        'terms such as `classification:malicious size:>1MB`, or an object of fields; docs/api.md has the language',
    }),
    ticloud: Type.Optional(Flag),
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    records_per_page: Type.Integer({ minimum: 1, maximum: mostRecords, default: 20 }),
    sort: Type.Optional(
      Type.String({
        pattern: `^(?:(?:${sampleSortKeys.join('|')})(?: +(?:asc|desc))?)?$`,
        description: `${sampleSortKeys.join(', ')}, followed by asc or desc`,
      }),
    ),
  })

const versions = [
  { version: 3, url: '/api/samples/v3/search/', operationId: 'searchSamplesAdvanced', mostRecords: 100 },
  { version: 2, url: '/api/samples/v2/search/', operationId: 'searchSamplesAdvancedOlder', mostRecords: 100 },
  { version: 1, url: '/api/samples/search/', operationId: 'searchSamplesAdvancedOldest', mostRecords: 1_000 },
] as const

export function addAdvancedSearch(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  for (const { version, url, operationId, mostRecords } of versions) {
    app.post(
      url,
      {
        bodyLimit: QUERY_BODY,
        config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
        schema: {
          tags: ['samples'],
          operationId,
          summary: version === 3 ? 'Search samples with a query' : `Search samples with a query (version ${version})`,
          consumes: ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'],
          body: bodyOf(mostRecords),
          response: {
            200: Type.Object({
              rl: Type.Object({
                web_search_api: Type.Object({
                  entries: Type.Array(Entry, { description: 'last seen first, unless sorted' }),
                  more_pages: Type.Boolean(),
                  next_page: Type.Union([Type.Integer(), Type.Null()]),
                  records_per_page: Type.Integer(),
                  complete: Type.Boolean({
                    description: 'false: not all could be looked at, or more fit than are shown',
                  }),
                }),
              }),
            }),
            ...refusals(yaraEnvelope, {
              400: 'The query cannot be understood, or a parameter is out of range.',
              403: 'No token, or an unknown one.',
            }),
          },
        },
      },
      async ({ body }, reply) => {
        if (isSet(body.ticloud)) {
          throw new Failure(
            'parameter.out-of-range',
            'Parameter not in expected range: this appliance searches what it holds, not a cloud; leave ticloud out.',
          )
        }
        const { page, records_per_page: size } = body
        const [by = '', direction] = (body.sort ?? '').split(/ +/)
        const sort = sampleSortKeys.find((key) => key === by)
        const { found, hasMore, isCut } = await samples.searchPage(
          {
            condition: readQuery(body.query),
            sort: sort === undefined ? null : { by: sort, ascending: direction === 'asc' },
            page,
            size,
          },
          goneSignal(reply),
        )
        return {
          rl: {
            web_search_api: {
              entries: found.map(entryOf),
              more_pages: hasMore,
              next_page: hasMore ? page + 1 : null,
              records_per_page: size,
              complete: !isCut,
            },
          },
        }
      },
    )
  }
}

/** What is not known is left out, as the vendor leaves it out. */
function entryOf(sample: Sample) {
  const { sha1, sha256, md5, threatName, riskScore } = sample
  return {
    available: sample.stored,
    sha1,
    ...(sha256 !== null && { sha256 }),
    ...(md5 !== null && { md5 }),
    classification: classificationNames[sample.classification],
    ...(threatName !== null && { threatname: threatName }),
    ...(riskScore !== null && { factor: riskScore }),
    size: sample.size,
    sampletype: sample.fileType,
    filename: sample.name,
    filecount: sample.extractedFileCount,
    firstseen: inSeconds(sample.firstSeen),
    lastseen: inSeconds(sample.lastSeen),
  }
}

const inSeconds = (time: number): string => toIso(time).replace(/\.\d+Z$/, 'Z')
