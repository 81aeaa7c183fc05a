/**
 * An HTTP server that is built before there is an appliance. It takes a quarter of a second of a processor and more of a busy
 * machine, which whoever takes over from another server does not have.
 */
import type { FastifyBaseLogger } from 'fastify'
import type { ApplianceServices, HttpSettings } from './appliance.ts'
import type { HttpServer } from './route.ts'
import { buildHttpServer, type HttpServerOptions } from './server.ts'
import { standIn } from './stand-in.ts'

export interface BuiltAhead {
  /** The server over these services, as `buildHttpServer` gives it. */
  over(services: ApplianceServices, ready: NonNullable<HttpServerOptions['ready']>): HttpServer
  /** Where it was not wanted. */
  close(): Promise<void>
}

/** For a server of a cluster. Fails where the settings are of no use, or need an appliance at once. */
export async function buildAhead(settings: HttpSettings, log: FastifyBaseLogger): Promise<BuiltAhead> {
  const { services, become } = standIn<ApplianceServices>()
  const isReady = Promise.withResolvers<void>()
  isReady.promise.catch(() => {})
  const server = buildHttpServer(services, settings, log, { ready: isReady.promise })
  await server.ready()
  return {
    over(real, ready) {
      become(real)
      ready.then(isReady.resolve, isReady.reject)
      return server
    },
    close: () => server.close(),
  }
}
