/** Digests of which similar contents have similar ones. No I/O: a worker has the bytes. */
export { hasTlsh, MOST_BYTES } from './having.ts'
export { Tlsh, tlshText } from './tlsh.ts'
