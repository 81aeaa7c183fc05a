/** Work that goes on by itself. */
export { endedBy } from './ended-by.ts'
export { inParallel } from './in-parallel.ts'
export { Loop } from './loop.ts'
export { startThread, ThreadQuestions } from './thread.ts'
