import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { about } from '../auditing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { Flag, HashPath, isSet } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  400: 'The hash is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such sample.',
  410: 'Its content can no longer be read.',
}

/**
 * Downloads are files for disk, never pages: octets, as an attachment under the SHA-256, which no client opens by
 * itself. The protected variant is a zip with the password `infected`.
 */
export function addSampleDownloads(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  const sendZip = async (hash: string, reply: FastifyReply) => {
    const { sha256, sha1 } = await samples.get(hash)
    return asFile(reply, `${sha256 ?? sha1}.zip`, 'application/zip').send(await samples.zip([hash], goneSignal(reply)))
  }
  app.get(
    '/api/samples/:hash/download/',
    {
      config: { audit: about('hash'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'downloadSample',
        summary: 'Download a sample',
        params: HashPath,
        querystring: Type.Object({ password_protected: Type.Optional(Flag) }),
        produces: ['application/octet-stream', 'application/zip'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { hash }, query }, reply) => {
      if (isSet(query.password_protected)) return sendZip(hash, reply)
      const { sample, content } = await samples.content(hash)
      return asFile(reply, sample.sha256 ?? sample.sha1, 'application/octet-stream')
        .header('content-length', content.size)
        .send(content.stream)
    },
  )
  app.get(
    '/api/samples/:hash/download/zip/',
    {
      config: { audit: about('hash'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'downloadSampleAsZip',
        summary: 'Download a sample as a zip with the password "infected"',
        params: HashPath,
        produces: ['application/zip'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { hash } }, reply) => sendZip(hash, reply),
  )
}

function asFile(reply: FastifyReply, name: string, type: string): FastifyReply {
  return reply
    .type(type)
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('content-security-policy', "default-src 'none'; sandbox")
}
