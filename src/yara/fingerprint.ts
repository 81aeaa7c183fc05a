import { createHash } from 'node:crypto'
import type { Rule, SourceFile, Span } from './syntax.ts'

/*
 * When a ruleset is changed, the matches of the rules that still mean the same are kept. What a rule means is: its own
 * strings and condition, those of the rules it refers to, those of every global rule of its text (which hold for all
 * others too), and the modules it reads. Its metadata, its tags, comments, blanks and ways to write a number decide
 * nothing about what it matches.
 *
 * For `rule b { condition: a and pe.is_pe }` beside `global rule g {…}` that is the digest of
 *
 *     own(b) = digest(b's strings, b's condition, own(a))
 *     own(g), pe
 */

/**
 * Rule name to a digest that is the same for two rules exactly when they match the same samples for the same reasons,
 * as far as their text tells. `text` is what `file` was parsed from. Stable across processes and versions of Node.
 */
export function fingerprints(file: SourceFile, text: string): Map<string, string> {
  if (file.notUnderstood !== null) return new Map(file.rules.map(({ name }) => [name, digest([text])]))
  const own = new Map<string, string>()
  const modules = new Set(file.imports.map(({ module }) => module))
  const used = new Map<string, readonly string[]>()
  for (const rule of file.rules) {
    const names = mentions(rule, modules)
    // The engine lets a rule refer only to rules before it, so this cannot go round in circles.
    const exact = [...names.exact].filter((name) => own.has(name))
    const byPrefix = names.prefixes.flatMap((prefix) => [...own.keys()].filter((name) => name.startsWith(prefix)))
    const referred = [...new Set([...exact, ...byPrefix])].sort()
    const parts = [meaning(rule, text), ...referred.map((name) => `${name} ${own.get(name)}`)]
    own.set(rule.name, digest(parts))
    const inherited = referred.flatMap((name) => used.get(name) ?? [])
    used.set(rule.name, [...new Set([...inherited, ...[...names.exact].filter((name) => modules.has(name))])].sort())
  }
  const globals = file.rules.filter(({ isGlobal }) => isGlobal).map(({ name }) => `${name} ${own.get(name)}`)
  return new Map([...own].map(([name, print]) => [name, digest([print, ...(used.get(name) ?? []), ...globals])]))
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256')
  // A length before each part keeps two lists apart that would read the same when run together.
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('hex')
}

/** What the rule itself says, without positions. */
function meaning({ isGlobal, isPrivate, strings, condition, notUnderstood, span }: Rule, text: string): string {
  if (notUnderstood !== undefined) return text.slice(span.from, span.to)
  return JSON.stringify([isGlobal, isPrivate, strings, condition], (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    if (!isNode(value)) return value
    if (value.kind === 'unknown') return text.slice(value.span.from, value.span.to)
    const { span: _span, node: _node, ...rest } = value as { span?: Span; node?: unknown }
    return rest
  })
}

/** The names in a rule's condition that may be rules or modules, and the prefixes of its sets of rules. */
function mentions(rule: Rule, modules: ReadonlySet<string>): { exact: Set<string>; prefixes: string[] } {
  const exact = new Set<string>()
  const prefixes: string[] = []
  // What was not read may mention anything.
  const mentionsAll = () => {
    prefixes.unshift('')
    for (const module of modules) exact.add(module)
  }
  if (rule.notUnderstood !== undefined) mentionsAll()
  JSON.stringify(rule.condition, (_key, value: unknown) => {
    if (typeof value === 'bigint' || value instanceof Uint8Array) return null
    if (isNode(value) && value.kind === 'unknown' && prefixes[0] !== '') mentionsAll()
    if (isNode(value) && value.kind === 'identifier') exact.add(value.name as string)
    if (isNode(value) && value.kind === 'rules') {
      for (const pattern of value.patterns as string[]) {
        if (pattern.endsWith('*')) prefixes.push(pattern.slice(0, -1))
        else exact.add(pattern)
      }
    }
    return value
  })
  return { exact, prefixes }
}

interface PlainNode {
  readonly kind?: unknown
  readonly span: Span
  readonly [key: string]: unknown
}

function isNode(value: unknown): value is PlainNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
