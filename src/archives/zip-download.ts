import type { Readable } from 'node:stream'

/** A zip with the given files, encrypted with `password` (AES-256), as a stream of bounded memory. Names are made safe. */
export declare function zipForDownload(
  files: readonly { readonly path: string; readonly name: string }[],
  password: string,
  signal?: AbortSignal,
): Readable
