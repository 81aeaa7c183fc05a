/**
 * Kinds of rules that an engine answers wrongly, as far as it is known; `test/engines/oracle.ts` has an example of each.
 * Another engine runs them.
 *
 * YARA-X 1.7.1 reports a shorter match than there is where one alternative begins with another: `/a(bb|b)b/` is found in
 * `abbb` with three bytes, and so is the hex string that says the same. Only conditions that ask for the length of a match
 * can tell. YARA-X 1.20 does so where letters of either case may repeat: `/1a*aa/i` is found in `1aaaa` with three bytes.
 * Besides, it misses `/b1?./ fullword` in ` b1 x`, where what may be there or not decides whether a word ends.
 */
import { parse, type RegexpNode, type Rule } from '../../yara/index.ts'

/** Whether some rule of the text is of a kind that YARA-X 1.7.1 answers wrongly. */
export function asksForLengthsOfAlternatives(text: string): boolean {
  // Reading every text would cost as much as compiling it, and this is rare.
  if (!/!(?!=)/.test(text) || !text.includes('|')) return false
  return parse(text).rules.some((rule) => hasLength(rule.condition) && hasAlternatives(rule))
}

/** Whether some rule of the text is of a kind that YARA-X 1.20 answers wrongly. */
export function hasTellingRepetitions(text: string): boolean {
  if (!/!(?!=)|\bfullword\b/.test(text)) return false
  return parse(text).rules.some(({ condition, strings }) => {
    const telling = strings.filter((string) => string.kind === 'regexp' && isRepeating(string.regexp.node))
    const isFullword = telling.some(({ modifiers }) => modifiers.fullword)
    return isFullword || (telling.length > 0 && hasLength(condition))
  })
}

/** Something in it may be there a different number of times. */
function isRepeating(regexp: RegexpNode | null): boolean {
  switch (regexp?.kind) {
    case undefined:
      return true
    case 'repeat':
      return regexp.min !== regexp.max || isRepeating(regexp.item)
    case 'sequence':
      return regexp.items.some(isRepeating)
    case 'alternatives':
      return regexp.options.some(isRepeating)
    default:
      return false
  }
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
  return strings.some((string) => {
    if (string.kind === 'hex') return string.tokens.some(({ kind }) => kind === 'alternatives')
    return string.kind === 'regexp' && (string.regexp.node === null || isBranching(string.regexp.node))
  })
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
