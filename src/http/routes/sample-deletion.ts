import { Type } from 'typebox'
import { demand } from '../../accounts/index.ts'
import { Failure } from '../../errors/index.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashList, HashPath } from '../parameters.ts'
import type { HttpServer } from '../server.ts'
import type { RouteParts } from './index.ts'

const statuses = {
  400: 'A hash is malformed.',
  403: 'No token, or an unknown one, or without the right to delete samples.',
}

/** Deleting samples with their content, matches and hunt results, at once and for good. */
export function addSampleDeletion(app: HttpServer, { appliance: { samples, room } }: RouteParts): void {
  app.delete(
    '/api/samples/:hash/',
    {
      schema: {
        tags: ['samples'],
        summary: 'Delete a sample',
        params: HashPath,
        response: {
          200: Type.Object({
            code: Type.Literal(200),
            message: Type.String(),
            detail: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])),
          }),
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
        },
      },
    },
    async (request) => {
      demand(callerOf(request), 'samples.delete')
      const { deleted } = await room.lend(() => samples.delete([request.params.hash]))
      const [sample] = deleted
      if (!sample) throw new Failure('sample.not-found')
      const { sha1, sha256, sha512, md5 } = sample
      return { code: 200 as const, message: 'Sample deleted successfully.', detail: { sha1, sha256, sha512, md5 } }
    },
  )

  app.post(
    '/api/samples/v2/delete_bulk/',
    {
      schema: {
        tags: ['samples'],
        summary: 'Delete samples',
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        body: Type.Object({ hash_values: HashList }),
        response: {
          200: Type.Object({
            code: Type.Literal(200),
            message: Type.String(),
            detail: Type.Object({
              deleted: Type.Array(Type.String(), { description: 'SHA-1 of each' }),
              not_found: Type.Array(Type.String()),
              members: Type.Integer({ description: 'files from archives that went with them' }),
            }),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async (request) => {
      demand(callerOf(request), 'samples.delete')
      const { deleted, members, unknown } = await room.lend(() => samples.delete(request.body.hash_values))
      return {
        code: 200 as const,
        message: 'Samples deleted successfully.',
        detail: { deleted: deleted.map(({ sha1 }) => sha1), not_found: [...unknown], members },
      }
    },
  )
}
