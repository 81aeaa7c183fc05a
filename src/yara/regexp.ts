import type { RegexpNode } from './syntax.ts'

export interface RegexpFlags {
  readonly caseInsensitive: boolean
  readonly dotAll: boolean
}

export function parseRegexp(source: string, flags: RegexpFlags, maxDepth: number): RegexpNode | null {
  return null
}
