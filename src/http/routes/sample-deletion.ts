import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { about } from '../auditing.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashList, HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  400: 'A hash is malformed.',
  403: 'No token, or an unknown one, or without the right to delete samples.',
}

const DeletedOne = Type.Object({
  code: Type.Literal(200),
  message: Type.String(),
  detail: Type.Object({
    sha1: Type.String(),
    sha256: Type.Union([Type.String(), Type.Null()]),
    sha512: Type.Union([Type.String(), Type.Null()]),
    md5: Type.Union([Type.String(), Type.Null()]),
  }),
})

const DeletedMany = Type.Object({
  deleted: Type.Array(Type.String(), { description: 'SHA-1 of each' }),
  not_found: Type.Array(Type.String()),
  members: Type.Integer({ description: 'files from archives that went with them' }),
})

const DeletionStatus = Type.Object({
  code: Type.Literal(200),
  message: Type.String(),
  id: Type.String(),
  detail: DeletedMany,
})

/** Characters of the deletions whose state can be asked for: of the hashes in them, and for each deletion. */
const KEPT_CHARACTERS = 4 * 1024 * 1024
const CHARACTERS_OF_EACH = 1_000

/** Deleting samples with their content, matches and hunt results, at once and for good. */
export function addSampleDeletion(app: HttpServer, { appliance: { samples, room } }: RouteParts): void {
  const ended = new LRUCache<string, Static<typeof DeletedMany>>({
    maxSize: KEPT_CHARACTERS,
    sizeCalculation: ({ deleted, not_found }) =>
      [...deleted, ...not_found].reduce((sum, hash) => sum + hash.length, CHARACTERS_OF_EACH),
  })

  app.delete(
    '/api/samples/:hash/',
    {
      config: { audit: about('hash'), access: 'samples.delete' },
      schema: {
        tags: ['samples'],
        operationId: 'deleteSample',
        summary: 'Delete a sample',
        params: HashPath,
        response: {
          200: Type.Object({
            ...DeletedOne.properties,
            results: DeletedOne,
          }),
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
        },
      },
    },
    async (request) => {
      const { deleted } = await room.lend(() => samples.delete([request.params.hash]))
      const [sample] = deleted
      if (!sample) throw new Failure('sample.not-found')
      const { sha1, sha256, sha512, md5 } = sample
      const progress = {
        code: 200 as const,
        message: 'Sample deleted successfully.',
        detail: { sha1, sha256, sha512, md5 },
      }
      // The vendor's connectors read what appliances send in `results`, its scripts what the page shows.
      return { ...progress, results: progress }
    },
  )

  app.post(
    '/api/samples/v2/delete_bulk/',
    {
      config: { audit: about('hash_values'), access: 'samples.delete' },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['samples'],
        operationId: 'deleteSamples',
        summary: 'Delete samples',
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        body: Type.Object({ hash_values: HashList }),
        response: {
          200: Type.Object({ ...DeletionStatus.properties, results: DeletionStatus }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async (request) => {
      const { deleted, members, unknown } = await room.lend(() => samples.delete(request.body.hash_values))
      const detail = { deleted: deleted.map(({ sha1 }) => sha1), not_found: [...unknown], members }
      const id = randomUUID()
      ended.set(id, detail)
      const progress = { code: 200 as const, message: 'Samples deleted successfully.', id, detail }
      return { ...progress, results: progress }
    },
  )

  app.get(
    '/api/samples/v2/delete_bulk/status/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'getDeletionStatus',
        summary: 'Get what became of a deletion of samples',
        description:
          'A deletion has ended when its answer comes, so this is never pending. The latest are known, with 4 MB of hashes ' +
          'in all, until the server stops.',
        querystring: Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) }),
        response: {
          200: DeletionStatus,
          ...refusals(yaraEnvelope, {
            400: 'There is no id.',
            403: 'No token, or an unknown one.',
            404: 'No deletion of that id is known.',
          }),
        },
      },
    },
    async ({ query: { id } }) => {
      const detail = ended.get(id)
      if (detail === undefined) throw new Failure('deletion.not-found')
      return { code: 200 as const, message: 'Samples deleted successfully.', id, detail }
    },
  )
}
