/** Connections to hosts elsewhere: which may be reached, how they are opened, and how long to wait between two tries. */
export { readAnswer } from './answer.ts'
export { Connections, type NetworkRules, type NetworkWords } from './connections.ts'
export { LONGEST_MS as LONGEST_PAUSE_MS, pauseAfter } from './pauses.ts'
export { sentenceOf } from './sentence.ts'
export { whyUnreachable } from './why-unreachable.ts'
