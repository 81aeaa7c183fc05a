/** The cloud's side: what tenants run here, what it matches, and the feeds that tell them. */
export type { Entry, FeedPage } from './feeds.ts'
export { RequestPace } from './request-pace.ts'
export type { RetroHunt } from './retro-hunts.ts'
export { Tenants } from './tenants.ts'
