/** `POST /api/submit/file/` and the older `POST /api/uploads/`: one sample, streamed to disk. */
import { Readable } from 'node:stream'
import type { MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { UploadInfo } from '../../intake/index.ts'
import { toIso } from '../../store/index.ts'
import { callerOf } from '../authentication.ts'
import { fileNameOf, partsOf, textOf } from '../bodies.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { LONGEST_TAG, MOST_TAGS } from '../parameters.ts'
import { withinQuota } from '../quotas.ts'
import type { HttpServer, RouteParts } from '../route.ts'

/** Room for the fields and the frame of a form around its file. */
const FRAME_BYTES = 1024 * 1024
const MOST_PARTS = 110
const FIELD_BYTES = 64 * 1024

const UploadForm = Type.Object({
  file: Type.String({ format: 'binary', description: 'the sample' }),
  filename: Type.Optional(Type.String({ description: 'instead of the name that the file part carries' })),
  folder: Type.Optional(
    Type.String({ description: '`filepath` of rules: where the file lay; without it, what stands before its name' }),
  ),
  owner: Type.Optional(Type.String({ description: '`owner` of rules: whose file it was' })),
  tags: Type.Optional(Type.String({ description: 'separated by commas' })),
  comment: Type.Optional(Type.String()),
  archive_password: Type.Optional(Type.String({ description: 'tried before the usual one' })),
})

export function addUploads(app: HttpServer, { appliance: { intake, quotas }, settings }: RouteParts): void {
  // The vendor's appliances fetch from addresses; a client that asks for it is to know that nothing was taken in.
  app.post('/api/submit/url/', { config: { access: 'account' }, schema: { hide: true } }, async () => {
    throw new Failure('upload.url')
  })

  for (const url of ['/api/submit/file/', '/api/uploads/']) {
    app.post(
      url,
      {
        config: { audit: 'told by the arrivals of samples', access: 'account', streamsBody: true },
        // The body is read part by part, so no schema can validate it; `reference` shows it in the document.
        attachValidation: true,
        schema: {
          tags: ['samples'],
          operationId: url === '/api/uploads/' ? 'uploadSampleOlder' : 'uploadSample',
          summary: url === '/api/uploads/' ? 'Upload a sample (older address)' : 'Upload a sample',
          consumes: ['multipart/form-data'],
          body: UploadForm,
          response: {
            201: Type.Object({
              code: Type.Literal(201),
              message: Type.String(),
              detail: Type.Object({
                id: Type.Integer(),
                sha1: Type.String(),
                sha256: Type.String(),
                known: Type.Boolean({ description: 'the content was here before' }),
                user: Type.Integer(),
                created: Type.String({ format: 'date-time' }),
                filename: Type.String(),
                href: Type.String(),
              }),
            }),
            ...refusals(yaraEnvelope, {
              400: 'The form holds no file, or more than one, or a url instead, or is cut off.',
              403: 'No token, or an unknown one.',
              413: 'The file is larger than allowed.',
              415: 'The body is no multipart form.',
              429: 'Too many requests, or the caller has sent as much today as they may.',
              507: 'As much of what the caller has sent is stored as may be.',
            }),
          },
        },
      },
      async (request, reply) => {
        if (!request.isMultipart()) throw new Failure(asksForFetching(request) ? 'upload.url' : 'request.media-type')
        if (Number(request.headers['content-length']) > settings.uploadLimit + FRAME_BYTES) {
          throw new Failure('upload.too-large')
        }
        const { id: userId } = callerOf(request)
        const form = new UploadedForm(request, userId)
        const least = Math.max(0, Number(request.headers['content-length'] ?? 0) - FRAME_BYTES)
        const arrival = await withinQuota(quotas, userId, least, async (count) => {
          const file = await form.untilFile()
          return intake.receive(Readable.from(count(form.withRest(file))), form, settings.uploadLimit)
        })
        return reply.code(201).send({
          code: 201 as const,
          message: 'Done.',
          detail: {
            id: arrival.id,
            sha1: arrival.sha1,
            sha256: arrival.sha256,
            known: arrival.known,
            user: form.userId,
            created: toIso(arrival.seen),
            filename: form.filename,
            href: `/?q=${arrival.sha1}`,
          },
        })
      },
    )
  }
}

/**
 * A form that is read while its file streams to disk. Fields may stand before and behind the file, so the stream handed
 * to intake ends only when the whole form has been read: whoever waits for its end can read every field here, and a
 * form that is cut off behind the file fails the stream.
 */
class UploadedForm implements UploadInfo {
  readonly userId: number
  readonly #parts: AsyncGenerator<MultipartFile>
  readonly #fields = new Map<string, string>()
  #partName = ''

  constructor(request: FastifyRequest, userId: number) {
    this.userId = userId
    this.#parts = partsOf(request, MOST_PARTS)
  }

  get filename(): string {
    return this.#fields.get('filename') || this.#partName || 'unnamed'
  }
  get folder(): string | null {
    return this.#fields.get('folder') || null
  }
  get owner(): string | null {
    return this.#fields.get('owner') || null
  }
  get tags(): string[] {
    const words = this.#fields.get('tags')?.split(',') ?? []
    return words.map((word) => word.trim()).filter((word) => word !== '')
  }
  get comment(): string | null {
    return this.#fields.get('comment') || null
  }
  get archivePassword(): string | null {
    return this.#fields.get('archive_password') || null
  }

  /** Reads up to the part `file`. Fails with `upload.no-file`, or `upload.url` when the form has a `url` instead. */
  async untilFile(): Promise<Readable> {
    for (;;) {
      const { value: part, done } = await this.#parts.next()
      if (done) throw new Failure(this.#fields.has('url') ? 'upload.url' : 'upload.no-file')
      if (part.fieldname === 'file') {
        this.#partName = fileNameOf(part)
        return part.file
      }
      await this.#keep(part)
    }
  }

  /** The file's bytes, and then the rest of the form. */
  async *withRest(file: Readable): AsyncGenerator<Buffer> {
    yield* file
    for (;;) {
      const { value: part, done } = await this.#parts.next()
      if (done) return this.#demandFewTags()
      if (part.fieldname === 'file') {
        part.file.resume()
        throw new Failure('request.malformed', 'The form has more than one part "file"; send one sample at a time.')
      }
      await this.#keep(part)
    }
  }

  #demandFewTags(): void {
    const { tags } = this
    if (tags.length <= MOST_TAGS && tags.every((tag) => tag.length <= LONGEST_TAG)) return
    const message = `tags must be up to ${MOST_TAGS} texts of up to ${LONGEST_TAG} characters`
    throw new Failure('parameter.out-of-range', `Parameter not in expected range: ${message}.`)
  }

  async #keep(part: MultipartFile): Promise<void> {
    if (part.filename) part.file.resume()
    else this.#fields.set(part.fieldname, await textOf(part, FIELD_BYTES))
  }
}

/** Whether a body that is no multipart form names an address from which the sample is to be fetched. */
function asksForFetching({ body, query }: FastifyRequest): boolean {
  return [body, query].some((place) => typeof place === 'object' && place !== null && 'url' in place)
}
