/** An archive that is here is unpacked once more, with a password: an addition to the specification. */
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { isLocked } from '../../intake/index.ts'
import { about } from '../auditing.ts'
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
          'As sending it again with `archive_password` does, without its bytes. Durable when it is answered, and done ' +
          'in the background: until then the sample is not `processed`; its note says what did not open.',
        params: HashPath,
        body: Type.Object({ password: Type.String({ minLength: 1, maxLength: 1_000 }) }),
        response: {
          202: Type.Object({ sha1: Type.String() }),
          ...refusals(yaraEnvelope, {
            400: 'The hash is malformed, or there is no password.',
            403: 'No token, or an unknown one.',
            404: 'There is no such sample.',
            409: 'Nothing of it is encrypted, as far as is known, or it is being unpacked.',
            410: 'Its content can no longer be read.',
          }),
        },
      },
    },
    async ({ params: { hash }, body: { password } }, reply) => {
      const { sha1, sha256, stored, note } = await samples.get(hash)
      if (!isLocked(note)) throw new Failure('sample.not-locked')
      if (!stored || sha256 === null) throw new Failure('sample.gone')
      if (!(await intake.unpackAgain(Buffer.from(sha256, 'hex'), password))) {
        throw new Failure('sample.not-locked', 'The sample is being processed; ask again once it is done.')
      }
      // Whoever asked looks at the sample; what becomes of it is in its note.
      return reply.code(202).send({ sha1 })
    },
  )
}
