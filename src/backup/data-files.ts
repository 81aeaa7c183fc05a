import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DATABASE } from '../store/index.ts'

export function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null
}

export const databaseOf = (dataFolder: string): string => join(dataFolder, DATABASE)
