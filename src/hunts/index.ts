/** Hunts: Local Retro, ad-hoc hunts, and what rules would cost before they are hunted with. */
export { AdHocHunts, type Hunt, type HuntRequest, type HuntText } from './ad-hoc-hunts.ts'
export { Corpus } from './corpus.ts'
export type { HitString, HuntHit } from './hits.ts'
export { LocalRetro, type LocalRetroRun, type LocalRetroStatus } from './local-retro.ts'
export type { Selection } from './selection.ts'
