/** Work that goes on by itself, again and again. */
export { Loop } from './loop.ts'
