import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import { type Account, type Accounts, demand, type Identified } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { accessOf, demandAccess, documentAccess, hidesItsChange, isReading } from './access.ts'
import { demandScope, type Operations } from './scopes.ts'
import { identifySession } from './session.ts'
import { UnderWay } from './under-way.ts'

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
  const underWay = new UnderWay()
  let endListening: () => void = () => {}
  app.addHook('onReady', async () => {
    endListening = accounts.onChange(() => underWay.lookAtAll())
  })
  app.addHook('onRequest', async (request, reply) => {
    const { access, changesAccounts } = request.routeOptions.config
    if (access === 'anyone') return
    const { account, ends } = await identify(request, accounts)
    callers.set(request, account)
    // Those that change accounts are short, and may be what has ended their own.
    if (!changesAccounts) underWay.add(reply.raw, ends, () => identify(request, accounts, false))
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

/** Fails with a `credentials.…`. `isUse` false: the credentials are only looked at. */
async function identify(request: FastifyRequest, accounts: Accounts, isUse = true): Promise<Identified> {
  const { authorization } = request.headers
  if (authorization === undefined) return identifySession(request, accounts, isUse)
  const identified = await accounts.tokens.identify(tokenOf(authorization, request), { isUse })
  if (!identified) throw new Failure('credentials.invalid')
  return identified
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
