import { parse, type Span } from '../yara/index.ts'

/**
 * External variables are texts, but the binding looks into them: "7" becomes an integer and "True" a boolean, whereupon
 * the engine refuses the whole scan, since the variable was declared as text. (A file `libc.so.6` is enough.) There is
 * no way to pass it otherwise, so such a value never goes through a variable:
 *
 * - where the rules do not mention the variable, any text will do;
 * - where they do, the value is written into the rules, as the literal that it is.
 *
 *     extension = "6"      condition: extension == "so" or extension matches /^[0-9]$/
 *                       →  condition: "6" == "so" or "6" matches /^[0-9]$/
 */
export function isMistakenForAnotherType(value: string): boolean {
  return /^(?:[+-]?[0-9]+|true|false)$/i.test(value)
}

/**
 * The rules with values in place of the variables of these names, loop and `with` variables of the same name left
 * alone. Throws where the rules hold something that our parser does not know, since a variable may hide there.
 */
export function withValuesInPlace(text: string, values: ReadonlyMap<string, string>): string {
  const places: { readonly from: number; readonly to: number; readonly value: string }[] = []
  const use = (name: string, span: Span | undefined, hidden: ReadonlySet<string>): void => {
    const value = hidden.has(name) ? undefined : values.get(name)
    if (value !== undefined && span !== undefined) places.push({ ...span, value })
  }
  const visit = (node: unknown, hidden: ReadonlySet<string>): void => {
    if (typeof node !== 'object' || node === null || ArrayBuffer.isView(node)) return
    if (Array.isArray(node)) {
      for (const item of node) visit(item, hidden)
      return
    }
    const { kind, name, span, variables, declarations, patterns, spans, body } = node as SyntaxNode
    if (kind === 'unknown') throw new Error(`a variable may be used in a way that is not understood, at ${span?.from}`)
    if (kind === 'identifier' && name !== undefined) {
      use(name, span, hidden)
      return
    }
    if (kind === 'rules') for (const [n, pattern] of (patterns ?? []).entries()) use(pattern, spans?.[n], hidden)
    if (kind === 'with') {
      // A declaration sees those before it.
      const known = new Set(hidden)
      for (const declaration of declarations ?? []) {
        visit(declaration, known)
        known.add(declaration.name)
      }
      visit(body, known)
      return
    }
    const within = kind === 'forIn' ? new Set([...hidden, ...(variables ?? [])]) : hidden
    for (const [key, child] of Object.entries(node)) visit(child, key === 'body' ? within : hidden)
  }
  const { rules, notUnderstood } = parse(text)
  if (notUnderstood !== null) throw new Error(`a variable may be used where it is not seen: ${notUnderstood}`)
  for (const { condition } of rules) visit(condition, new Set())
  let result = ''
  let at = 0
  for (const { from, to, value } of places.sort((a, b) => a.from - b.from)) {
    result += `${text.slice(at, from)}"${value}"`
    at = to
  }
  return result + text.slice(at)
}

interface SyntaxNode {
  readonly kind?: string
  readonly name?: string
  readonly span?: Span
  /** Of a set of rules, in which variables may stand. */
  readonly patterns?: readonly string[]
  readonly spans?: readonly Span[]
  readonly body?: unknown
  readonly variables?: readonly string[]
  readonly declarations?: readonly { readonly name: string }[]
}
