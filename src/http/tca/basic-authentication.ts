import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Accounts, Tenant } from '../../accounts/index.ts'
import { Failure } from '../../errors/index.ts'

const callers = new WeakMap<FastifyRequest, Tenant>()

/** Asks for a tenant's name and password (HTTP Basic) on the routes of this scope, before a body is read. */
export function addBasicAuthentication(app: FastifyInstance, accounts: Accounts): void {
  app.addHook('onRequest', async (request) => {
    const { name, password } = credentialsOf(request.headers.authorization)
    const tenant = await accounts.credentials.tenant(name, password, request.clientAddress).catch((error) => {
      throw error instanceof Failure && error.code === 'login.refused' ? new Failure('tenant.unknown') : error
    })
    callers.set(request, tenant)
  })
}

/** The tenant that sent the request. Only for routes of a scope with Basic authentication. */
export function tenantOf(request: FastifyRequest): Tenant {
  const tenant = callers.get(request)
  if (!tenant) throw new Error(`${request.routeOptions.url} asks who is calling, but nobody was asked`)
  return tenant
}

/** The tenant that sent the request; null before its credentials were found right. */
export function knownTenantOf(request: FastifyRequest): Tenant | null {
  return callers.get(request) ?? null
}

function credentialsOf(header: string | undefined): { name: string; password: string } {
  const [, encoded = ''] = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? '') ?? []
  const decoded = Buffer.from(encoded, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon <= 0) throw new Failure('tenant.unknown')
  return { name: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
