import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Account, type Accounts, demand } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { accessOf, demandAccess, documentAccess, hidesItsChange, isReading } from './access.ts'
import { demandScope, type Operations } from './scopes.ts'
import { accountOfSession } from './session.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers calls of other operations, and holds each to the scope of the caller's token itself. */
    readonly scopesCalls?: boolean
    /** `Authorization: Bearer <token>` is taken too. */
    readonly takesBearer?: boolean
  }
}

const callers = new WeakMap<FastifyRequest, Account>()

/**
 * Asks for a token, or for a session of the web application, on the routes of this scope, before a body is read, and
 * for the right that a route needs, once its parameters are known to be well-formed. A route that does not say who may
 * call it is a defect: the server does not start.
 */
export function addAuthentication(app: FastifyInstance, accounts: Accounts, operations: Operations): void {
  app.addHook('onRoute', ({ config, method, url, schema }) => {
    const methods = [method].flat()
    const access = accessOf((config ?? {}) as FastifyContextConfig, methods.find((one) => !isReading(one)) ?? 'GET')
    if (access === undefined) throw new Error(`${method} ${url} does not say who may call it`)
    if (methods.some((one) => hidesItsChange((config ?? {}) as FastifyContextConfig, one)))
      throw new Error(`${method} ${url} does not say that it changes accounts`)
    if (schema) {
      documentAccess(schema, access)
      operations.add(schema, methods, config as FastifyContextConfig)
    }
  })
  const underWay = new Set<UnderWay>()
  let endListening: () => void = () => {}
  app.addHook('onReady', async () => {
    endListening = accounts.onChange(() => {
      for (const one of underWay) void endUnlessKnown(one, accounts)
    })
  })
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.access === 'anyone') return
    callers.set(request, await accountOf(request, accounts))
    const one = { request, reply }
    underWay.add(one)
    reply.raw.once('close', () => underWay.delete(one))
  })
  app.addHook('onClose', async () => endListening())
  // Whoever only reads need not learn what is wrong with a change.
  app.addHook('preValidation', async (request) => {
    const account = callers.get(request)
    const access = accessOf(request.routeOptions.config, request.method)
    const changes = access === 'content.change' || (typeof access === 'object' && 'orOwner' in access)
    if (account && changes) demand(account, 'content.change')
  })
  app.addHook('preHandler', async (request) => {
    const account = callers.get(request)
    const access = accessOf(request.routeOptions.config, request.method)
    if (!account || !access) return
    const { config, schema } = request.routeOptions
    if (!config.scopesCalls) demandScope(account, schema?.operationId ?? '', { config, method: request.method })
    demandAccess(account, access, request.params as { readonly name?: unknown })
  })
}

interface UnderWay {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/**
 * Cuts off a request whose credentials have ended since it began: an upload, a download, or a stream of events that would
 * go on for hours. Those that change accounts are short, and may be what has ended their own.
 */
async function endUnlessKnown({ request, reply }: UnderWay, accounts: Accounts): Promise<void> {
  if (request.routeOptions.config.changesAccounts) return
  await accountOf(request, accounts).catch((error) => {
    if (error instanceof Failure && /^credentials\./.test(error.code)) reply.raw.destroy()
  })
}

/** Who sent the request. Only for routes that are not open. */
export function callerOf(request: FastifyRequest): Account {
  const account = callers.get(request)
  if (!account) throw new Error(`${request.routeOptions.url} asks who is calling, but is open to anyone`)
  return account
}

/** Who sent the request, or null on an open route. */
export function knownCallerOf(request: FastifyRequest): Account | null {
  return callers.get(request) ?? null
}

async function accountOf(request: FastifyRequest, accounts: Accounts): Promise<Account> {
  const { authorization } = request.headers
  if (authorization === undefined) return accountOfSession(request, accounts)
  const account = await accounts.tokens.authenticate(tokenOf(authorization, request))
  if (!account) throw new Failure('credentials.invalid')
  return account
}

/** `Authorization: Token <token>`; the scheme's case does not matter. */
function tokenOf(header: string, { routeOptions: { config } }: FastifyRequest): string {
  const [scheme = '', ...rest] = header.trim().split(/\s+/)
  const isBearer = config.takesBearer && scheme.toLowerCase() === 'bearer'
  if (scheme.toLowerCase() !== 'token' && !isBearer) throw new Failure('credentials.missing')
  if (rest.length !== 1) {
    throw new Failure('credentials.invalid', 'Invalid token header: it must read "Authorization: Token <token>".')
  }
  return rest[0] ?? ''
}
