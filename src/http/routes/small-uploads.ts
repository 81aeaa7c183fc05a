/**
 * `POST /api/submit/files/`: many small samples in one request, an addition to the specification. A request of its own for
 * each costs more than a small file does, in browsers above all.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { IngestReceipt } from '../../intake/index.ts'
import { callerOf } from '../authentication.ts'
import type { FormFile } from '../bodies.ts'
import { FILES_BODY } from '../body-bounds.ts'
import { boundedFailure } from '../bounded-failure.ts'
import { SmallUploadsShape } from '../contract/samples.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { eachWithinQuota } from '../quotas.ts'
import { judge } from '../refusing.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const MOST_FILES = 100

const FilesForm = Type.Object({
  file: Type.String({
    format: 'binary',
    description: `a sample, with its name; repeated for more, up to ${MOST_FILES}; a name may have folders`,
  }),
})

export function addSmallUploads(app: HttpServer, { appliance: { intake, quotas } }: RouteParts): void {
  app.post(
    '/api/submit/files/',
    {
      config: { audit: 'told by the arrivals of samples', access: 'account', mostFiles: MOST_FILES },
      bodyLimit: FILES_BODY,
      // The body becomes the files of the form, so no schema can validate it; `reference` shows it in the document.
      attachValidation: true,
      schema: {
        tags: ['samples'],
        operationId: 'uploadSmallSamples',
        summary: 'Upload many small samples, each with an answer of its own',
        consumes: ['multipart/form-data'],
        body: FilesForm,
        response: {
          200: SmallUploadsShape,
          ...refusals(yaraEnvelope, {
            400: 'The form holds no file, or is cut off.',
            403: 'No token, or an unknown one.',
            413: `There are more than ${MOST_FILES} files, or more than 4 MB.`,
            415: 'The body is no multipart form.',
          }),
        },
      },
    },
    async (request, reply) => {
      if (!request.isMultipart()) throw new Failure('request.media-type')
      const { id: userId } = callerOf(request)
      const files = request.body as unknown as readonly FormFile[]
      if (files.length === 0) throw new Failure('upload.no-file')
      const outcomes = await eachWithinQuota(quotas, userId, files, (fitting) =>
        intake.receiveTogether(
          fitting.map(({ name, bytes }) => ({ bytes, info: { filename: name || 'unnamed', userId } })),
        ),
      )
      return { results: outcomes.map((outcome, n) => resultOf(files[n]?.name ?? '', outcome, request, reply)) }
    },
  )
}

function resultOf(
  filename: string,
  outcome: PromiseSettledResult<IngestReceipt>,
  request: FastifyRequest,
  reply: FastifyReply,
): Static<typeof SmallUploadsShape>['results'][number] {
  if (outcome.status === 'fulfilled') {
    const { id, sha1, sha256, known } = outcome.value
    return { filename, stored: { id, sha1, sha256, known }, refused: null }
  }
  const { status, code, message, detail } = boundedFailure(judge(outcome.reason, request, reply))
  return { filename, stored: null, refused: { code: status, error: code, message, detail } }
}
