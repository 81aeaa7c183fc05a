import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../../errors/index.ts'
import type { KnownAppliance, Manager } from '../../manager/index.ts'

const callers = new WeakMap<FastifyRequest, KnownAppliance>()

/** Asks for the token of an appliance on the routes of this scope, before a body is read. */
export function addApplianceAuthentication(app: FastifyInstance, manager: Manager): void {
  app.addHook('onRequest', async (request) => {
    const [, token = ''] = /^token +(\S{1,256})$/i.exec(request.headers.authorization?.trim() ?? '') ?? []
    if (token === '') throw new Failure('appliance.unknown')
    callers.set(request, await manager.authenticate(token))
  })
}

/** The appliance that sent the request. Only for routes of a scope that asks for its token. */
export function applianceOf(request: FastifyRequest): KnownAppliance {
  const appliance = callers.get(request)
  if (!appliance) throw new Error(`${request.routeOptions.url} asks who is calling, but nobody was asked`)
  return appliance
}

/** The appliance that sent the request; null before its token was found right. */
export function knownApplianceOf(request: FastifyRequest): KnownAppliance | null {
  return callers.get(request) ?? null
}
