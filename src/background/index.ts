/** Work that goes on by itself. */
export { aborted, endedBy } from './ended-by.ts'
export { inParallel } from './in-parallel.ts'
export { KeyedLock, Lock } from './lock.ts'
export { Loop } from './loop.ts'
export { OnePerKey } from './one-per-key.ts'
export { startThread, ThreadQuestions } from './thread.ts'
