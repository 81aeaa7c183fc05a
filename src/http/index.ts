/**
 * The HTTP surface: the Spectra Analyze API and what Backtrail adds to it. `buildHttpServer` gives a Fastify instance
 * that is not listening yet; `close()` drains it.
 */
export type { ApplianceServices, HttpSettings } from './appliance.ts'
export { type BuiltAhead, buildAhead } from './built-ahead.ts'
export type { ExplanationShape, HuntHitShape, HuntRulesShape, HuntShape } from './contract/hunts.ts'
export type { HttpServer } from './route.ts'
export { buildHttpServer, type HttpServerOptions } from './server.ts'
export { type ForwardTarget, StandingByServer } from './standing-by.ts'
