/**
 * YARA-X 1.18 to 1.20 misses matches where rules share a string: what the condition of the first demands of the file (its
 * size, its first bytes) is taken for a demand of the string, and so of the other rules as well.
 *
 *     rule trigger { strings: $s = "testtest" fullword condition: filesize > 1MB and $s }
 *     rule plain   { strings: $p = "testtest" fullword condition: $p }        // not found in a small file
 *
 * A condition that holds in some other case demands nothing. So each becomes `( … ) or bt_off`, where `bt_off` is a variable
 * that is never true, and that the compiler knows nothing about.
 */
import { type Diagnostic, Diagnostics, parse, type SourceFile } from '../../yara/index.ts'

export interface UnboundText {
  readonly text: string
  /** Name of the variable, which the text did not have. To be defined as false. */
  readonly variable: string
}

/** Why a text cannot be rewritten. `at`: where in the text, in UTF-16 units. */
export class NotUnderstood extends Error {
  readonly at: number

  constructor(why: string, at: number) {
    super(`this engine runs only rules that Backtrail's own parser understands, and ${why}`)
    this.at = at
  }
}

/** Throws `NotUnderstood` where our parser may see other conditions than the engine does. */
export function withUnboundConditions(text: string): UnboundText {
  const source = parse(text)
  demandUnderstood(text, source)
  let variable = 'bt_off'
  while (text.includes(variable)) variable += '_'
  let result = ''
  let at = 0
  for (const { conditionSpan } of source.rules) {
    result += `${text.slice(at, conditionSpan.from)}(${text.slice(conditionSpan.from, conditionSpan.to)}) or ${variable} `
    at = conditionSpan.to
  }
  return { text: result + text.slice(at), variable }
}

function demandUnderstood(text: string, { rules, diagnostics, notUnderstood }: SourceFile): void {
  const [first] = diagnostics
  if (first !== undefined) throw new NotUnderstood(`not this: ${first.message}`, first.span.from)
  if (notUnderstood !== null) throw new NotUnderstood(notUnderstood, 0)
  for (const rule of rules) {
    if (rule.notUnderstood !== undefined) throw new NotUnderstood(rule.notUnderstood, rule.span.from)
    if (text[rule.conditionSpan.to] !== '}' || text[rule.conditionSpan.from - 1] !== ':')
      throw new NotUnderstood('it does not see where the condition begins and ends', rule.span.from)
  }
}

/** The error of a text that the engine compiles as it is, and that cannot be rewritten; empty where it can. */
export function refusalOf(text: string, rewrite: (text: string) => unknown): readonly Diagnostic[] {
  try {
    rewrite(text)
    return []
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error
    const found = new Diagnostics(text, 'error')
    found.add('not-understood', `${error.message}; ${ADVICE}`, { from: error.at, to: error.at })
    return found.finish()
  }
}

const ADVICE = 'write it in the way of the documentation of YARA, or leave out what only newer versions of YARA-X know'
