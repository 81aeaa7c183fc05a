import { extname } from 'node:path'
import type { ExternalVariables } from '../scanning/index.ts'

/** What rules know about a sample besides its bytes; the same when it arrives and when it is hunted. */
export function externalVariables(name: string, fileType: string): ExternalVariables {
  return {
    filename: name,
    filepath: name,
    extension: extname(name).slice(1).toLowerCase(),
    filetype: fileType,
    owner: '',
  }
}
