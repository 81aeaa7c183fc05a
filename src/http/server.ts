import { readFileSync } from 'node:fs'
import cookie from '@fastify/cookie'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger } from 'fastify'
import { Failure } from '../errors/index.ts'
import { hasPart } from '../settings/index.ts'
import { addLeftOutHeader, noteClientAddresses, proxyTrust, withoutBasePath } from './addresses.ts'
import type { ApplianceServices, HttpSettings } from './appliance.ts'
import { addAuditing } from './auditing.ts'
import { addAuthentication, knownCallerOf } from './authentication.ts'
import { addBodyParsers } from './bodies.ts'
import { SMALL_BODY } from './body-bounds.ts'
import { refuseUnsigned, takeForwarded } from './forwarded.ts'
import { addManagerProtocol, knownApplianceOf } from './manager/index.ts'
import { addMcp } from './mcp/index.ts'
import { addUnknownPaths } from './methods.ts'
import { addMetrics } from './metrics.ts'
import { addRequestLog, newRequestId, silentFramework } from './observing.ts'
import { addReference } from './reference.ts'
import { addRefusals, refuse } from './refusing.ts'
import type { HttpServer, SignOn } from './route.ts'
import { addRoutes } from './routes/index.ts'
import { Operations } from './scopes.ts'
import { answerGarbage, boundSlowClients, timeouts } from './slow-clients.ts'
import { addTca, knownTenantOf } from './tca/index.ts'
import { addTracing } from './tracing.ts'
import { addValidation } from './validation.ts'
import { packageVersion } from './version.ts'
import { addWebApplication } from './web.ts'

export interface HttpServerOptions {
  readonly times?: Readonly<Record<keyof typeof timeouts, number>>
  /** Requests wait for it, `/healthz` among them: what is answered works wholly. Its failure is their answer. */
  readonly ready?: Promise<void>
}

/**
 * A server over the services, ready to `listen`. `close()` takes no more connections, lets the requests under way end for
 * up to `shutdownGrace` milliseconds, and then cuts them. The services are the caller's to stop afterwards.
 */
export function buildHttpServer(
  appliance: ApplianceServices,
  settings: HttpSettings,
  log: FastifyBaseLogger,
  { times = timeouts, ready = Promise.resolve() }: HttpServerOptions = {},
): HttpServer {
  const trustsProxy = proxyTrust(settings.trustProxy)
  // How often Node looks for headers that are late; its preset would let them be half a minute later.
  // A client that vanished while it waited for an answer is found out by the system.
  const listening = { connectionsCheckingInterval: Math.min(5_000, times.headersMs), keepAlive: true }
  const app = Fastify({
    loggerInstance: log,
    logController: silentFramework,
    genReqId: newRequestId,
    requestIdHeader: false,
    trustProxy: settings.trustProxy.length > 0 ? trustsProxy : false,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 512 },
    connectionTimeout: times.silenceMs,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: refuse,
    clientErrorHandler: answerGarbage,
    rewriteUrl(request) {
      if (appliance.term !== null) takeForwarded(request, appliance.term)
      return withoutBasePath(request.url ?? '/', settings.basePath)
    },
    bodyLimit: SMALL_BODY,
    ...(settings.tlsKey
      ? { https: { ...listening, key: readFileSync(settings.tlsKey), cert: readFileSync(settings.tlsCert) } }
      : { http: listening }),
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as HttpServer

  app.decorate('trustsProxy', trustsProxy)
  app.decorate('basePath', settings.basePath)
  // Response schemas describe what routes send; a compiled serializer would silently drop what they do not name.
  app.setSerializerCompiler(() => JSON.stringify)
  addValidation(app)
  addRefusals(app)
  noteClientAddresses(app)
  addLeftOutHeader(app)
  addRequestLog(app)
  addTracing(app, appliance.tracing)
  if (appliance.term !== null) refuseUnsigned(app)
  app.addHook('onRequest', () => ready)
  drainOnClose(app, settings.shutdownGrace)
  boundSlowClients(app, times)
  const metrics = addMetrics(app, appliance)
  addUnknownPaths(app)
  addBodyParsers(app)
  app.register(rateLimit, {
    global: settings.rateLimit > 0,
    max: settings.rateLimit,
    timeWindow: '1 minute',
    errorResponseBuilder: () => new Failure('request.throttled'),
  })
  addReference(app, packageVersion)
  app.register(cookie)
  app.register(async (scope) => {
    const operations = new Operations()
    addAuthentication(scope, appliance.accounts, operations)
    addAuditing(scope, appliance.audit, (request) => knownCallerOf(request)?.name ?? null)
    const signOn = settings.oidcIssuer === '' ? null : await openSignOn(settings)
    if (settings.ldapUrl !== '') {
      const { Directory } = await import('../sign-on/index.ts')
      appliance.accounts.credentials.askDirectory(new Directory(settings))
    }
    const parts = { appliance, settings, metrics, operations, signOn }
    addRoutes(scope as unknown as HttpServer, parts)
    // What its tools do is not there where the server is no appliance.
    if (hasPart(settings.role, 'appliance')) addMcp(scope as unknown as HttpServer, parts)
  })
  if (hasPart(settings.role, 'manager')) {
    app.register(async (scope) => {
      addAuditing(scope, appliance.audit, (request) => knownApplianceOf(request)?.name ?? null)
      addManagerProtocol(scope as unknown as HttpServer, { appliance, settings })
    })
  }
  if (hasPart(settings.role, 'cloud')) {
    app.register(async (scope) => {
      addAuditing(scope, appliance.audit, (request) => knownTenantOf(request)?.name ?? null)
      addTca(scope as unknown as HttpServer, { appliance, settings })
    })
  }
  addWebApplication(app)
  return app
}

/** What it is made of is loaded only where there is an identity provider. */
async function openSignOn(settings: HttpSettings): Promise<SignOn> {
  const { Attempts, IdentityProvider } = await import('../sign-on/index.ts')
  return { provider: new IdentityProvider(settings), attempts: new Attempts() }
}

/** Connections close with the answer that is under way on them, and all of them when the time is over. */
function drainOnClose(app: HttpServer, graceMs: number): void {
  let stopping = false
  app.addHook('preClose', async () => {
    stopping = true
    setTimeout(() => app.server.closeAllConnections(), graceMs).unref()
  })
  app.addHook('onSend', async (_request, reply, payload) => {
    // A connection that is kept for more requests would keep the server from closing.
    if (stopping) reply.header('connection', 'close')
    return payload
  })
}
