/**
 * Kinds of rules that an engine answers wrongly, as far as it is known; `test/engines/oracle.ts` has an example of each.
 * Another engine runs them.
 *
 * YARA-X 1.7.1 reports a shorter match than there is where one alternative begins with another: `/a(bb|b)b/` is found in
 * `abbb` with three bytes. Only conditions that ask for the length of a match can tell.
 */
import { parse, type RegexpNode, type Rule } from '../../yara/index.ts'

/** Whether some rule of the text is of a kind that YARA-X 1.7.1 answers wrongly. */
export function asksForLengthsOfAlternatives(text: string): boolean {
  // Reading every text would cost as much as compiling it, and this is rare.
  if (!/![A-Za-z0-9_[\s)]/.test(text) || !text.includes('|')) return false
  return parse(text).rules.some((rule) => hasLength(rule.condition) && hasAlternatives(rule))
}

function hasLength(condition: unknown): boolean {
  const left: unknown[] = [condition]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next)) continue
    if ((next as { readonly kind?: string }).kind === 'stringLength') return true
    left.push(...Object.values(next))
  }
  return false
}

function hasAlternatives({ strings }: Rule): boolean {
  return strings.some(
    (string) => string.kind === 'regexp' && (string.regexp.node === null || isBranching(string.regexp.node)),
  )
}

function isBranching(regexp: RegexpNode): boolean {
  switch (regexp.kind) {
    case 'alternatives':
      return true
    case 'sequence':
      return regexp.items.some(isBranching)
    case 'repeat':
      return isBranching(regexp.item)
    default:
      return false
  }
}
