/**
 * `/api/sign-on/`, an addition to the specification: log-ins of the web application with an identity provider. What browsers
 * are sent to is not in the OpenAPI document: it is no call of a program, and answers with an address in every case.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { prefixOf, serverAddress } from '../addresses.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts, SignOn } from '../route.ts'
import { giveAttempt, giveSession, signOnSecretOf, takeAttempt } from '../session.ts'
import { openToLogIn } from './log-in.ts'

const CALLBACK = '/api/sign-on/callback/'

export function addSignOn(app: HttpServer, { appliance, settings, signOn }: RouteParts): void {
  const { accounts, room, audit } = appliance
  const { rateLimit } = openToLogIn(settings)
  const open = { access: 'anyone', rateLimit } as const
  const page = (request: FastifyRequest, path: string) => `${prefixOf(request)}${path}`

  /** Shows the sentence on the log-in page. */
  const refuse = async ({ attempts }: SignOn, request: FastifyRequest, reply: FastifyReply, error: unknown) => {
    if (!(error instanceof Failure)) throw error
    request.log.warn({ err: error }, 'a log-in with the identity provider was refused')
    await audit.record({
      user: '',
      operation: 'finishSignOn',
      subjects: [error.code],
      status: error.status,
      address: request.ip,
    })
    giveAttempt(request, reply, attempts.refuse(error.message))
    return reply.redirect(page(request, '/log-in'), 303)
  }

  app.get(
    '/api/sign-on/',
    {
      config: open,
      schema: { hide: true, querystring: Type.Object({ page: Type.String({ default: '/', maxLength: 4_000 }) }) },
    },
    async (request, reply) => {
      if (!signOn) throw new Failure('sign-on.off')
      const { provider, attempts } = signOn
      reply.header('cache-control', 'no-store')
      try {
        const { address, attempt } = await provider.begin(
          `${serverAddress(request)}${CALLBACK}`,
          ownPage(request.query.page),
        )
        giveAttempt(request, reply, attempts.begin(attempt))
        return reply.redirect(address.href, 303)
      } catch (error) {
        return refuse(signOn, request, reply, error)
      }
    },
  )

  app.get(
    CALLBACK,
    {
      config: open,
      schema: { hide: true },
    },
    async (request, reply) => {
      if (!signOn) throw new Failure('sign-on.off')
      const { provider, attempts } = signOn
      reply.header('cache-control', 'no-store')
      try {
        // Good for one answer, whatever that is.
        const attempt = attempts.take(signOnSecretOf(request) ?? '')
        if (attempt === null) throw new Failure('sign-on.expired')
        const [, query = ''] = request.url.split('?')
        const vouched = await provider.finish(new URLSearchParams(query), attempt)
        const { secret, account } = await room.lend(() => accounts.signOn.logIn(vouched))
        const { name, role } = account
        await audit.record({
          user: name,
          operation: 'finishSignOn',
          subjects: [name, role],
          status: 200,
          address: request.ip,
        })
        takeAttempt(request, reply)
        giveSession(request, reply, secret)
        return reply.redirect(page(request, attempt.page), 303)
      } catch (error) {
        return refuse(signOn, request, reply, error)
      }
    },
  )

  app.post(
    '/api/sign-on/log-out/',
    {
      config: { access: 'anyone', audit: () => [], invalid: 'sign-on.invalid' },
      schema: {
        tags: ['session'],
        operationId: 'endProviderSessions',
        summary: 'End sessions by the word of the identity provider (back-channel log-out)',
        security: [],
        consumes: ['application/x-www-form-urlencoded'],
        body: Type.Object({ logout_token: Type.String({ maxLength: 20_000 }) }),
        response: {
          200: Type.Object({}),
          ...refusals(yaraEnvelope, {
            400: 'The token is not a valid one of the identity provider.',
            404: 'There is no identity provider.',
          }),
        },
      },
    },
    async (request, reply) => {
      if (!signOn) throw new Failure('sign-on.off')
      const { provider } = signOn
      const { issuer, of } = await provider.readLogOut(request.body.logout_token)
      await room.lend(() => accounts.signOn.end(issuer, of))
      reply.header('cache-control', 'no-store')
      return {}
    },
  )
}

/** Only pages of this application: a link that begins a log-in must not lead elsewhere afterwards. */
function ownPage(asked: string): string {
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(asked) ? asked : '/'
}
