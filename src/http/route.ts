/** What every file of routes is given: the server to add them to, and the services behind them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Attempts, IdentityProvider } from '../sign-on/index.ts'
import type { ApplianceServices, HttpSettings } from './appliance.ts'
import type { Metrics } from './metrics.ts'
import type { Operations } from './scopes.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What route groups are given. */
export interface RouteParts {
  readonly appliance: ApplianceServices
  readonly settings: HttpSettings
  readonly metrics: Metrics
  /** All that the routes declare, once the server is ready. */
  readonly operations: Operations
  /** Null where there is no identity provider. */
  readonly signOn: SignOn | null
}

/** Log-ins with an identity provider. */
export interface SignOn {
  readonly provider: IdentityProvider
  readonly attempts: Attempts
}

/** What the routes of the protocol between an appliance and a cloud are given. */
export type TcaParts = Omit<RouteParts, 'metrics' | 'operations' | 'signOn'>
