/** What came out of a sample, as one file; and the archives that samples came out of. */
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { parseHash, type Sample } from '../../samples/index.ts'
import { about } from '../auditing.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { HashList, HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = { 400: 'A hash is malformed.', 403: 'No token, or an unknown one.' }
/** Files of one zip, which is packed before it is sent. */
const MOST_PACKED = 1_000

const Containers = Type.Object(
  { containers: Type.Array(Type.String(), { description: 'hashes of the kind that was asked with, at most 1,000' }) },
  { additionalProperties: Type.String({ description: 'the hash, under the name of its kind' }) },
)

export function addSampleContainers(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  app.get(
    '/api/samples/:hash/unpacked/',
    {
      config: { audit: about('hash'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'downloadExtractedFiles',
        summary: 'Download what came out of a sample as a zip with the password "infected"',
        params: HashPath,
        produces: ['application/zip'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          ...refusals(yaraEnvelope, {
            ...statuses,
            404: 'There is no such sample, or nothing came out of it.',
            410: 'A content can no longer be read.',
          }),
        },
      },
    },
    async ({ params: { hash } }, reply) => {
      const { sha1, sha256 } = await samples.get(hash)
      const { files } = await samples.extractedFiles(sha1, { offset: 0, limit: MOST_PACKED })
      if (files.length === 0) throw new Failure('sample.not-found', 'Nothing came out of this sample.')
      const zip = await samples.zip([...new Set(files.map(({ sample }) => sample.sha1))], goneSignal(reply))
      return reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${sha256 ?? sha1}.extracted.zip"`)
        .header('content-security-policy', "default-src 'none'; sandbox")
        .send(zip)
    },
  )

  app.post(
    '/api/samples/containers/',
    {
      bodyLimit: LIST_BODY,
      config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'listContainers',
        summary: 'List the outermost archives that samples came out of',
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        body: Type.Object({ hash_values: HashList }),
        response: {
          200: Type.Object({
            count: Type.Integer(),
            next: Type.Null(),
            previous: Type.Null(),
            results: Type.Array(Containers, { description: 'samples that are in no archive are left out' }),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ body: { hash_values } }) => {
      const kinds = new Set(hash_values.map((hash) => parseHash(hash).kind))
      const [kind = 'sha1'] = kinds
      if (kinds.size > 1) throw new Failure('hash.malformed', 'All hash values must be of one kind.')
      const results: ({ containers: string[] } & Record<string, unknown>)[] = []
      const some = new Map([...(await samples.findMany(hash_values)).values()].map((sample) => [sample.id, sample]))
      for (const sample of some.values()) {
        const containers = (await samples.containersOf(sample.id)).flatMap((each: Sample) => each[kind] ?? [])
        if (containers.length > 0) results.push({ [kind]: sample[kind], containers })
      }
      return { count: results.length, next: null, previous: null, results: results as never }
    },
  )
}
