/** The cloud's side: what tenants run here, what it matches, and the feeds that tell them. */
export type { Entry } from './feeds.ts'
export { RequestPace } from './request-pace.ts'
export { Tenants } from './tenants.ts'
