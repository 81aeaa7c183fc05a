/** TCA-0202 and TCA-0203: samples that the appliances of a tenant add to the collection. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { tcaRoutes } from '../../tca/index.ts'
import { withinQuota } from '../quotas.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { tenantOf } from './basic-authentication.ts'
import { plainRefusals } from './envelope.ts'

const Sha1Path = Type.Object({ sha1: Type.String({ description: 'in hexadecimal digits' }) })
const Octets = Type.Unsafe<unknown>({ type: 'string', format: 'binary' })
const Accepted = Type.Object({ sha1: Type.String(), sha256: Type.String() })
const Named = Type.Object({ sha1: Type.String() })
/** Of the XML that tells a name. */
const META_BYTES = 64 * 1024

export function addContributions(
  app: HttpServer,
  { appliance: { intake, quotas, tenants }, settings }: TcaParts,
): void {
  const refusals = {
    400: 'The SHA-1 is malformed or not that of the bytes.',
    403: 'The account is not allowed to contribute.',
  }
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Whatever clients call a sample's bytes, they are streamed as they are.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    scope.post(
      tcaRoutes.upload,
      {
        config: { audit: 'told by the arrivals of samples', streamsBody: true },
        // Streamed or read as it is: the schema is there for the document.
        attachValidation: true,
        schema: {
          tags: ['cloud'],
          operationId: 'contributeSample',
          summary: 'Contribute a sample',
          consumes: ['application/octet-stream'],
          params: Sha1Path,
          body: Octets,
          response: {
            200: Accepted,
            ...plainRefusals({ ...refusals, 507: 'As much of what the account has sent is stored as may be.' }),
          },
        },
      },
      async (request) => {
        const { id: userId } = demandContributor(request)
        const expected = sha1Of((request.params as { sha1: string }).sha1)
        if (Number(request.headers['content-length']) > settings.uploadLimit) throw new Failure('upload.too-large')
        const body = (request.body as Readable | undefined) ?? Readable.from([])
        const least = Number(request.headers['content-length'] ?? 0)
        const { sha1, sha256 } = await withinQuota(quotas, userId, least, (count) => {
          const stream = Readable.from(count(verified(body, expected)), { objectMode: false })
          return intake.receive(stream, { filename: expected, userId }, settings.uploadLimit)
        })
        return { sha1, sha256 }
      },
    )
  })

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: META_BYTES }, (_request, body, done) =>
      done(null, body),
    )
    scope.post(
      tcaRoutes.uploadMeta,
      {
        config: { audit: 'told by the arrivals of samples' },
        attachValidation: true,
        schema: {
          tags: ['cloud'],
          operationId: 'nameContribution',
          summary: 'Name a sample that was contributed',
          consumes: ['application/octet-stream'],
          params: Sha1Path,
          body: Octets,
          response: {
            200: Named,
            ...plainRefusals({ ...refusals, 404: 'The account has not contributed that sample.' }),
          },
        },
      },
      async (request) => {
        const { id } = demandContributor(request)
        const sha1 = sha1Of((request.params as { sha1: string }).sha1)
        await tenants.nameContribution(id, sha1, fileNameIn(String(request.body ?? '')))
        intake.matchNewNames()
        return { sha1 }
      },
    )
  })
}

function demandContributor(request: FastifyRequest) {
  const tenant = tenantOf(request)
  if (!tenant.contributes) throw new Failure('contribution.refused')
  return tenant
}

function sha1Of(text: string): string {
  if (!/^[0-9a-f]{40}$/i.test(text)) throw new Failure('hash.malformed', 'The address must end with a SHA-1.')
  return text.toLowerCase()
}

/** The bytes as they come; fails behind the last one where they are others than was said. */
async function* verified(bytes: Readable, expected: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha1')
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== expected) throw new Failure('contribution.mismatch')
}

/** What `<property><name>file_name</name><value>…</value></property>` says; null where it says nothing. */
function fileNameIn(xml: string): string | null {
  const [, value] = /<name>\s*file_name\s*<\/name>\s*<value>([^<]*)<\/value>/.exec(xml) ?? []
  const name = value?.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity] ?? '').trim()
  return name || null
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
