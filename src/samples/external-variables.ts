import { extname } from 'node:path'
import { variableType } from '../identification/index.ts'
import type { ExternalVariables, NameVariables } from '../scanning/index.ts'
import type { KnownName } from '../store/index.ts'

/** What rules know about a sample besides its bytes; the same when it arrives and when it is hunted. */
export function externalVariables(known: KnownName, fileType: string): ExternalVariables {
  return { ...nameVariables(known), filetype: variableType(fileType) }
}

/** Those that depend on how a sample is called. */
export function nameVariables({ name, folder, owner }: KnownName): NameVariables {
  return { filename: name, filepath: folder, extension: extname(name).toLowerCase(), owner }
}
