/** Reports of samples in the vendor's shape, with the sections that this appliance has something for. */
import { Type } from 'typebox'
import type { Matches } from '../../matches/index.ts'
import { type ListedSample, staticReport } from '../../samples/index.ts'
import { toIso } from '../../store/index.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { COMMAS } from '../validation.ts'
import { chosenFields, unknownFields } from './listed-fields.ts'

const statuses = { 400: 'A hash or a parameter is malformed.', 403: 'No token, or an unknown one.' }

/** Reports of one answer; each is made of several look-ups. */
const MOST_REPORTS = 1_000
const MOST_MATCHES = 100

/** Sections of a detailed report beside the fields of the list. */
const sections = ['ticore', 'yara', 'type_description'] as const

export function addSampleReports(app: HttpServer, { appliance: { samples, matches } }: RouteParts): void {
  for (const { url, operationId, isOlder } of [
    { url: '/api/samples/v2/list/details/', operationId: 'listDetailedReports', isOlder: false },
    { url: '/api/samples/list/details/', operationId: 'listDetailedReportsOlder', isOlder: true },
  ]) {
    app.post(
      url,
      {
        bodyLimit: LIST_BODY,
        config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
        schema: {
          tags: ['samples'],
          operationId,
          summary: isOlder ? 'List detailed reports of samples (older address)' : 'List detailed reports of samples',
          description:
            'As the list of samples, with `ticore` (what is known of the file), `yara` (the rules that it matches, at most ' +
            `${MOST_MATCHES}) and \`type_description\`. Sections that this appliance has nothing for are not there; names ` +
            'in `fields` that it has nothing for are listed in `unknown_fields`.',
          consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
          body: Type.Object({
            hash_values: Type.Array(Type.String(), {
              [COMMAS]: true,
              minItems: 1,
              maxItems: MOST_REPORTS,
              description: 'hashes, all of one kind',
            }),
            fields: Type.Optional(Type.Array(Type.String(), { maxItems: 200, [COMMAS]: true })),
          }),
          response: {
            200: Type.Object({
              count: Type.Integer(),
              next: Type.Null(),
              previous: Type.Null(),
              results: Type.Array(Type.Record(Type.String(), Type.Unknown())),
              unknown_fields: Type.Array(Type.String(), { description: 'of those asked for; at most 100' }),
            }),
            ...refusals(yaraEnvelope, statuses),
          },
        },
      },
      async ({ body: { hash_values, fields } }) => {
        const wanted = fields ? new Set(fields) : null
        const isWanted = (name: (typeof sections)[number]) => wanted === null || wanted.has(name)
        const found = await samples.list(hash_values)
        const descriptions = new Map(
          isWanted('type_description')
            ? [...(await samples.findMany(hash_values)).values()].map((sample) => [sample.id, sample.typeDescription])
            : [],
        )
        const results: Record<string, unknown>[] = []
        for (const sample of found) {
          results.push({
            ...chosenFields(sample, wanted, isOlder),
            ...(descriptions.has(sample.id) && { type_description: descriptions.get(sample.id) }),
            ...(isWanted('ticore') && { ticore: staticReport(sample) }),
            ...(isWanted('yara') && { yara: await matchesOf(sample, matches) }),
          })
        }
        return {
          count: results.length,
          next: null,
          previous: null,
          results,
          unknown_fields: unknownFields(wanted, isOlder, sections),
        }
      },
    )
  }

  for (const { url, operationId, isOlder } of [
    { url: '/api/v2/samples/:hash/ticore/', operationId: 'getStaticReport', isOlder: false },
    { url: '/api/samples/:hash/ticore/', operationId: 'getStaticReportOlder', isOlder: true },
  ]) {
    app.get(
      url,
      {
        config: { access: 'account' },
        schema: {
          tags: ['samples'],
          operationId,
          summary: `Get what is known of a file without its rules${isOlder ? ' (older address)' : ''}`,
          params: HashPath,
          querystring: Type.Object({
            fields: Type.Optional(Type.Array(Type.String(), { maxItems: 200, [COMMAS]: true })),
          }),
          response: {
            200: Type.Record(Type.String(), Type.Unknown()),
            ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
          },
        },
      },
      async ({ params: { hash }, query: { fields } }) => {
        const { sha1 } = await samples.get(hash)
        const [sample] = await samples.list([sha1])
        if (sample === undefined) return {}
        const { sha256, sha512, md5 } = sample
        const report = { sha1, sha256, sha512, md5, ...staticReport(sample) }
        // The SDK writes a blank behind each comma.
        const wanted = fields && new Set(fields.map((name) => name.trim()))
        return Object.fromEntries(Object.entries(report).filter(([name]) => wanted === undefined || wanted.has(name)))
      },
    )
  }
}

async function matchesOf({ id }: ListedSample, matches: Matches) {
  const found = await matches.ofSample(id)
  return found.slice(0, MOST_MATCHES).map(({ ruleset, rule, cloud, created }) => ({
    ruleset,
    rule,
    cloud,
    created: toIso(created),
  }))
}
