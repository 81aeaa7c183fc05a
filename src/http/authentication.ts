import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Account, Accounts } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Anyone may call the route; without this it takes an account's token. */
    readonly isOpen?: boolean
  }
}

const callers = new WeakMap<FastifyRequest, Account>()

/** Asks for a token on the routes of this scope, before a body is read. */
export function addAuthentication(app: FastifyInstance, accounts: Accounts): void {
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isOpen) return
    const token = tokenOf(request.headers.authorization)
    const account = await accounts.authenticate(token)
    if (!account) throw new Failure('credentials.invalid')
    callers.set(request, account)
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

/** `Authorization: Token <token>`; the scheme's case does not matter. */
function tokenOf(header: string | undefined): string {
  const [scheme = '', ...rest] = header?.trim().split(/\s+/) ?? []
  if (scheme.toLowerCase() !== 'token') throw new Failure('credentials.missing')
  if (rest.length !== 1) {
    throw new Failure('credentials.invalid', 'Invalid token header: it must read "Authorization: Token <token>".')
  }
  return rest[0] ?? ''
}
