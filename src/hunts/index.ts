/** Hunts: Local Retro, ad-hoc hunts, and what rules would cost before they are hunted with. */
export { AdHocHunts, type Hunt, type HuntRequest } from './ad-hoc-hunts.ts'
export { Corpus } from './corpus.ts'
export { type ExplainedRule, type ExplainParts, type Explanation, explain, type Share } from './explain.ts'
export { type HitString, type HuntHit, hitString } from './hits.ts'
export type { HuntText } from './hunt-text.ts'
export { LocalRetro, type LocalRetroRun, type LocalRetroStatus } from './local-retro.ts'
export type { Selection } from './selection.ts'
