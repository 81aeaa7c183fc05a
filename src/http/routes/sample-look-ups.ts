/** What is known of samples: status, list with fields, extracted files. */
import { posix } from 'node:path'
import { Type } from 'typebox'
import { sampleStatuses } from '../../samples/index.ts'
import { offsetOf } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { Paging } from '../contract/paging.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { boundedPage, HashList, HashPath, WHOLE_LIST } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { COMMAS } from '../validation.ts'
import { chosenFields, unknownFields } from './listed-fields.ts'

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']
const statuses = { 400: 'A hash or a parameter is malformed.', 403: 'No token, or an unknown one.' }
const Page = {
  count: Type.Integer(),
  next: Type.Union([Type.String(), Type.Null()]),
  previous: Type.Union([Type.String(), Type.Null()]),
}

/** The older addresses name the verdict otherwise; connectors of that time ask there. */
const listAddresses = [
  { url: '/api/samples/v2/list/', operationId: 'listSamples', isOlder: false },
  { url: '/api/samples/list/', operationId: 'listSamplesOlder', isOlder: true },
]
const extractedFilesAddresses = [
  { url: '/api/samples/v2/:hash/extracted-files/', operationId: 'listExtractedFiles', isOlder: false },
  { url: '/api/samples/:hash/extracted-files/', operationId: 'listExtractedFilesOlder', isOlder: true },
]

export function addSampleLookUps(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  app.post(
    '/api/samples/status/',
    {
      bodyLimit: LIST_BODY,
      config: { onlyReads: true, audit: 'nothing to tell', access: 'account', invalid: 'parameter.out-of-range' },
      schema: {
        tags: ['samples'],
        operationId: 'getSampleStatus',
        summary: 'Tell which samples are processed',
        consumes: forms,
        querystring: Type.Object({ status: Type.Optional(Type.Enum([...sampleStatuses])) }),
        body: Type.Object({ hash_values: HashList }),
        response: {
          200: Type.Object({
            hash_type: Type.Enum(['md5', 'sha1', 'sha256', 'sha512']),
            results: Type.Array(Type.Object({ hash_value: Type.String(), status: Type.Enum([...sampleStatuses]) })),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ body, query }) => {
      const { hashType, results } = await samples.status(body.hash_values, query.status)
      return {
        hash_type: hashType,
        results: results.map(({ hashValue, status }) => ({ hash_value: hashValue, status })),
      }
    },
  )

  for (const { url, operationId, isOlder } of listAddresses) {
    app.post(
      url,
      {
        config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
        bodyLimit: LIST_BODY,
        schema: {
          tags: ['samples'],
          operationId,
          summary: isOlder ? 'List what is known of samples (older address)' : 'List what is known of samples',
          description:
            'Names in `fields` that this appliance has nothing for are left out and listed in `unknown_fields`; unknown ' +
            'samples are left out.',
          consumes: forms,
          body: Type.Object({
            hash_values: HashList,
            fields: Type.Optional(Type.Array(Type.String(), { maxItems: 200, [COMMAS]: true })),
          }),
          response: {
            200: Type.Object({
              ...Page,
              results: Type.Array(Type.Record(Type.String(), Type.Unknown())),
              unknown_fields: Type.Array(Type.String(), { description: 'of those asked for; at most 100' }),
            }),
            ...refusals(yaraEnvelope, statuses),
          },
        },
      },
      async ({ body }) => {
        const found = await samples.list(body.hash_values)
        const wanted = body.fields ? new Set(body.fields) : null
        return {
          count: found.length,
          next: null,
          previous: null,
          results: found.map((sample) => chosenFields(sample, wanted, isOlder)),
          unknown_fields: unknownFields(wanted, isOlder),
        }
      },
    )
  }

  app.get(
    '/api/samples/:hash/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'getSampleOlder',
        summary: 'Get what is known of a sample (older address)',
        params: HashPath,
        response: {
          200: Type.Record(Type.String(), Type.Unknown()),
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
        },
      },
    },
    async ({ params: { hash } }) => {
      const { sha1 } = await samples.get(hash)
      return chosenFields((await samples.list([sha1]))[0], null, true)
    },
  )

  for (const { url, operationId, isOlder } of extractedFilesAddresses) {
    app.get(
      url,
      {
        config: { access: 'account' },
        schema: {
          tags: ['samples'],
          operationId,
          summary: `List the files that were extracted from an archive${isOlder ? ' (older address)' : ''}`,
          params: HashPath,
          querystring: Type.Object(Paging),
          response: {
            200: Type.Object({
              ...Page,
              results: Type.Array(
                Type.Object({
                  id: Type.Integer(),
                  parent_relationship: Type.Null(),
                  container_sha1: Type.String(),
                  filename: Type.String(),
                  path: Type.String(),
                  sample: Type.Record(Type.String(), Type.Unknown()),
                }),
              ),
            }),
            ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
          },
        },
      },
      async (request) => {
        const { page, page_size } = request.query
        const archive = await samples.get(request.params.hash)
        // Unlike for rulesets, the vendor's clients send page_size alone.
        const asked = page || page_size ? boundedPage(Number(page ?? 1), Number(page_size ?? 100)) : WHOLE_LIST
        const { total, files } = await samples.extractedFiles(archive.sha1, {
          offset: (asked.number - 1) * asked.size,
          limit: asked.size,
        })
        // Refuses a page past the last one.
        offsetOf(asked, total)
        const known = new Map(
          files.length > 0
            ? (await samples.list([...new Set(files.map(({ sample }) => sample.sha1))])).map((each) => [
                each.sha1,
                each,
              ])
            : [],
        )
        return {
          count: total,
          ...neighbours(request, asked, total),
          results: files.map(({ sample, path }) => ({
            id: sample.id,
            parent_relationship: null,
            container_sha1: archive.sha1,
            filename: posix.basename(path),
            path,
            sample: chosenFields(known.get(sample.sha1), null, isOlder),
          })),
        }
      },
    )
  }
}
