import type { Reading } from './reading.ts'
import { parseRegexp } from './regexp.ts'
import type { Regexp } from './syntax.ts'

/** regexp := '/' pattern '/' flag*, flag := 'i' | 's' */
export function readRegexp({ tree, budget, complain }: Reading): Regexp {
  const literal = tree.source
  const end = literal.lastIndexOf('/')
  const source = literal.slice(1, end)
  const flags = literal.slice(end + 1)
  for (const flag of flags) {
    if (flag !== 'i' && flag !== 's') {
      complain('regexp-flag', `${flag} is not a flag of regular expressions; expected i or s`, tree.span)
    }
  }
  const caseInsensitive = flags.includes('i')
  const dotAll = flags.includes('s')
  return { source, caseInsensitive, dotAll, node: parseRegexp(source, { caseInsensitive, dotAll }, budget.maxDepth) }
}
