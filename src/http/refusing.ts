/**
 * Turns whatever goes wrong into the answer that the endpoint's table has for it: a status, and the envelope of its
 * page. Expected failures say so themselves; what the framework refuses is translated here; everything else is a defect
 * of ours, which is logged with its stack and answered with the id of the request.
 */
import type { FastifyContextConfig, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { catalogue, Failure, type FailureCode } from '../errors/index.ts'
import { boundedFailure } from './bounded-failure.ts'
import { type Envelope, yaraEnvelope } from './envelopes.ts'
import { isOfGoneClient } from './gone-clients.ts'
import { InvalidInput, type Problem } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The page's way to refuse; `yaraEnvelope` by default. */
    readonly envelope?: Envelope
    /** What it means when parameters, or these, are missing or do not fit; `parameter.out-of-range` by default. */
    readonly invalid?: FailureCode | Readonly<Record<string, FailureCode>>
    /** What the endpoint's table calls an unexpected failure; `server.failed` by default. */
    readonly broken?: FailureCode
    /** The status for missing or unknown credentials where it is not the catalogue's. */
    readonly unauthenticated?: number
  }
}

export function addRefusals(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Failure, request, reply) => refuse(error, request, reply))
}

/** Answers `request` with what `error` means for its endpoint. */
export function refuse(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { config } = request.routeOptions
  const failure = judge(error, request, reply)
  const status =
    config.unauthenticated && failure.code.startsWith('credentials.') ? config.unauthenticated : failure.status
  // Fastify asks for the connection to be closed when it did not read the body; closing it while the client is still
  // sending makes the client miss the answer. src/http/slow-clients.ts sees to the rest of the body.
  reply.removeHeader('connection')
  const envelope = config.envelope ?? yaraEnvelope
  if (status === 401) reply.header('www-authenticate', envelope.challenge)
  if (status === 429 && typeof failure.detail.seconds === 'number') reply.header('retry-after', failure.detail.seconds)
  // Tells a client that asked for a range behind the end how long the file is.
  const { 'Content-Range': length } = (error as { readonly headers?: Record<string, string> }).headers ?? {}
  if (status === 416 && length) reply.header('content-range', length)
  return reply
    .code(status)
    .type(envelope.contentType)
    .send(envelope.render(boundedFailure(failure), status))
}

/** What an error means for the endpoint of the request; logged where it is a defect. */
export function judge(error: Error, request: FastifyRequest, reply: FastifyReply): Failure {
  const failure = understand(error, request)
  if (failure !== error && failure.status === 500 && !isOfGoneClient(error, reply)) {
    request.log.error({ err: error }, 'request failed')
  }
  return failure
}

/** What an error means for the endpoint of the request. */
export function understand(error: Error, request: FastifyRequest): Failure {
  if (error instanceof Failure) return error
  const { config } = request.routeOptions
  if (error instanceof InvalidInput) return invalidParameters(config.invalid, error.problems)
  const { code, statusCode = 500 } = error as FastifyError
  const translated = code === undefined ? undefined : translations[code]
  if (translated) return new Failure(translated)
  const status = (error as { readonly status?: number }).status ?? statusCode
  if (status === 416) return new Failure('request.range')
  // The framework's other complaints about a request.
  if (status >= 400 && status < 500) return new Failure('request.malformed')
  // A form that was cut off inside its file; the parser's errors carry no code.
  if (/^(?:Unexpected end of |Part terminated)/.test(error.message)) {
    return new Failure('request.malformed', `The request could not be understood: ${error.message}.`)
  }
  return new Failure(config.broken ?? 'server.failed', undefined, { request: request.id })
}

const translations: Readonly<Record<string, FailureCode>> = {
  FST_ERR_BAD_URL: 'request.malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'request.uri-too-long',
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request.malformed',
  FST_PARTS_LIMIT: 'request.too-large',
  FST_FILES_LIMIT: 'request.too-large',
  FST_FIELDS_LIMIT: 'request.too-large',
  FST_REQ_FILE_TOO_LARGE: 'request.too-large',
  FST_PROTO_VIOLATION: 'request.malformed',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'request.media-type',
  FST_STATIC_FORBIDDEN_PATH: 'path.unknown',
  FST_MP_PREMATURE_CLOSE: 'request.malformed',
  ECONNRESET: 'request.malformed',
}

/** Names the parameters at fault, in the sentence and in `detail.parameters`. */
function invalidParameters(invalid: FastifyContextConfig['invalid'], problems: readonly Problem[]): Failure {
  const codes = typeof invalid === 'object' ? problems.map(({ name }) => invalid[name]) : [invalid]
  const code = codes.find((each) => each !== undefined) ?? 'parameter.out-of-range'
  const text = problems.map(({ at, problem }) => `${at} ${problem}`).join('; ')
  const parameters = problems.map(({ name, problem }) => ({ name, problem }))
  return new Failure(code, `${withoutStop(catalogue[code].message)}: ${text}.`, { parameters })
}

const withoutStop = (sentence: string): string => sentence.replace(/\.$/, '')
