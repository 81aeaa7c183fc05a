/** An archive that is here is unpacked once more, with a password: an addition to the specification. */
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { isLocked } from '../../intake/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

export function addSampleUnpacking(app: HttpServer, { appliance: { samples, intake } }: RouteParts): void {
  app.post(
    '/api/samples/:hash/unpack/',
    {
      config: { audit: about('hash'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'unpackSample',
        summary: 'Unpack an encrypted archive once more, with a password',
        description:
          'The same as sending it again with `archive_password`, without its bytes. Durable when it is answered, and ' +
          'done in the background: until then the sample is not `processed`; its note says what did not open.',
        params: HashPath,
        body: Type.Object({ password: Type.String({ minLength: 1, maxLength: 1_000 }) }),
        response: {
          202: Type.Object({ sha1: Type.String() }),
          ...refusals(yaraEnvelope, {
            400: 'The hash is malformed, or there is no password.',
            403: 'No token, or an unknown one.',
            404: 'There is no such sample.',
            409: 'Nothing of it is encrypted, as far as is known.',
          }),
        },
      },
    },
    async (request, reply) => {
      const { hash } = request.params
      if (!isLocked((await samples.get(hash)).note)) throw new Failure('sample.not-locked')
      const { sample, content } = await samples.content(hash)
      const info = {
        filename: sample.name,
        userId: callerOf(request).id,
        comment: 'unpacked again with a password',
        archivePassword: request.body.password,
      }
      const { sha1, processed } = await intake.receive(content.stream, info, content.size)
      // Whoever asked looks at the sample; what becomes of it is in its note.
      processed.catch(() => {})
      return reply.code(202).send({ sha1 })
    },
  )
}
