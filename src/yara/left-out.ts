/*
 * Running the rest of a text of which some rules do not compile.
 *
 *     import "cuckoo"                               ← left out: there is no such module
 *     rule a { condition: cuckoo.sync… }            ← left out: it uses cuckoo
 *     rule b { strings: $x = "b" condition: $x }
 *     rule c { condition: a or b }                  ← left out: it uses a
 *
 * The text stays what it is. What runs is the same text with blanks in place of what is left out, so every line, column
 * and offset means the same in both. A rule that uses one that is left out goes with it, and with a global rule go all:
 * without it, they would match what they must not.
 */
import { Places } from './places.ts'
import type { Diagnostic } from './syntax.ts'
import { type Statement, statementsOf, tokensOf } from './tokens.ts'

/** A rule, or another statement, that does not run while the rest of its text does. */
export interface LeftOut {
  /** `text`: all of it. */
  readonly kind: Statement['kind'] | 'text'
  /** The rule's name, the module's, the path, or the text's. */
  readonly name: string
  /** Of what is wrong in it, both from 1. */
  readonly line: number
  readonly column: number
  readonly reason: string
  /** UTF-16 offsets of the whole statement. */
  readonly from: number
  readonly to: number
}

/** The text with blanks in place of what is left out. */
export function runnableText(text: string, leftOut: readonly LeftOut[]): string {
  let result = ''
  let at = 0
  for (const { from, to } of [...leftOut].sort((a, b) => a.from - b.from)) {
    if (to <= at) continue
    result += text.slice(at, from) + text.slice(Math.max(at, from), to).replace(/[^\r\n]/g, ' ')
    at = to
  }
  return result + text.slice(at)
}

/** Each round leaves out at least one statement; errors that come one at a time end here. */
const ROUNDS = 100

/**
 * What must be left out so that the rest compiles, in the order of the text; null when no rule is left. `diagnose` gives
 * what there is to say about a text, `diagnostics` is its answer for this one. The diagnostics of the answer are those
 * of the whole text, and what turned up when parts of it were left out.
 */
export function leaveOut(
  text: string,
  diagnostics: readonly Diagnostic[],
  diagnose: (text: string) => readonly Diagnostic[],
): { readonly leftOut: readonly LeftOut[]; readonly diagnostics: readonly Diagnostic[] } | null {
  const statements = statementsOf(text)
  const places = new Places(text)
  const gone = new Map<Statement, LeftOut>()
  const said = new Map(diagnostics.map((one) => [`${one.line}:${one.column}:${one.message}`, one]))
  let errors = diagnostics.filter(({ severity }) => severity === 'error')
  for (let round = 0; round < ROUNDS && errors.length > 0; round++) {
    const before = gone.size
    for (const error of errors) {
      const statement = culprit(text, statements, error, gone)
      if (statement && !gone.has(statement)) gone.set(statement, leftOutFor(statement, error, statements))
    }
    if (gone.size === before) return null
    leaveOutDependents(places, statements, gone)
    if (!statements.some((one) => one.kind === 'rule' && !gone.has(one))) return null
    const now = diagnose(runnableText(text, [...gone.values()]))
    for (const one of now) said.set(`${one.line}:${one.column}:${one.message}`, one)
    errors = now.filter(({ severity }) => severity === 'error')
  }
  if (errors.length > 0) return null
  return {
    leftOut: [...gone.values()].sort((a, b) => a.from - b.from),
    diagnostics: [...said.values()].sort((a, b) => a.line - b.line || a.column - b.column),
  }
}

/**
 * What must be left out so that these rules do not run, in the order of the text: they, with the reason of each, what
 * depends on them, and what is left out `already`. Null when no rule is left.
 */
export function leaveOutRules(
  text: string,
  already: readonly LeftOut[],
  reasons: ReadonlyMap<string, string>,
): readonly LeftOut[] | null {
  const statements = statementsOf(text)
  const places = new Places(text)
  const known = new Map(already.map((one) => [one.from, one]))
  const gone = new Map<Statement, LeftOut>()
  for (const statement of statements) {
    const { kind, name, from, to } = statement
    const reason = kind === 'rule' ? reasons.get(name) : undefined
    const before = known.get(from)
    if (before !== undefined) gone.set(statement, before)
    else if (reason !== undefined) gone.set(statement, { ...places.of(from), kind, name, reason, from, to })
  }
  leaveOutDependents(places, statements, gone)
  if (!statements.some((one) => one.kind === 'rule' && !gone.has(one))) return null
  return [...gone.values()].sort((a, b) => a.from - b.from)
}

/** The statement to blame: the one that the error is in, or the one before, when that has not ended yet. */
function culprit(
  text: string,
  statements: readonly Statement[],
  { span }: Diagnostic,
  gone: ReadonlyMap<Statement, LeftOut>,
): Statement | undefined {
  const rest = statements.filter((one) => !gone.has(one))
  const at = Math.max(
    0,
    rest.findLastIndex(({ from }) => from <= span.from),
  )
  const before = rest[at - 1]
  const found = rest[at]
  if (before?.kind === 'rule' && found && span.from <= startOfName(text, found) && !isClosed(text, before))
    return before
  return found
}

/** An unclosed rule is often noticed only at the next one, in its first words. */
function startOfName(text: string, { from, to, name }: Statement): number {
  const at = text.slice(from, to).indexOf(name)
  return from + Math.max(0, at)
}

/** As many braces close as open, comments, texts and regular expressions left out. */
function isClosed(text: string, { from, to }: Statement): boolean {
  const own = text.slice(from, to)
  let depth = 0
  for (const token of tokensOf(own)) {
    if (token.kind !== 'sign') continue
    if (own[token.from] === '{') depth++
    else if (own[token.from] === '}') depth--
  }
  return depth === 0
}

function leaveOutDependents(places: Places, statements: readonly Statement[], gone: Map<Statement, LeftOut>): void {
  const rules = statements.filter(({ kind }) => kind === 'rule')
  for (let grown = true; grown; ) {
    grown = false
    const global = [...gone.keys()].find(({ isGlobal }) => isGlobal)
    // A second rule or import of the same name may be the one that was wrong.
    const kept = new Set(statements.filter((one) => !gone.has(one)).map(({ name }) => name))
    const missing = new Map([...gone.keys()].filter(({ name }) => !kept.has(name)).map((one) => [one.name, one]))
    for (const rule of rules) {
      if (gone.has(rule)) continue
      const used =
        global ??
        missing.get([...rule.words].find((word) => missing.has(word)) ?? '') ??
        [...gone.keys()].find(
          ({ kind, name }) => kind === 'rule' && rule.prefixes.some((some) => name.startsWith(some)),
        )
      if (used === undefined) continue
      const reason = dependsOn(used)
      gone.set(rule, {
        ...places.of(rule.from),
        kind: rule.kind,
        name: rule.name,
        reason,
        from: rule.from,
        to: rule.to,
      })
      grown = true
    }
  }
}

function leftOutFor(
  { kind, name, from, to }: Statement,
  { line, column, message }: Diagnostic,
  statements: readonly Statement[],
): LeftOut {
  // To the engine, a rule that did not compile is not there.
  const unknown = /^unknown identifier `(\w+)`/.exec(message)?.[1]
  const used = statements.find((one) => one.kind === 'rule' && one.name === unknown && one.from < from)
  const reason = used ? dependsOn(used) : message
  return { kind, name, line, column, reason, from, to }
}

function dependsOn({ kind, name, isGlobal }: Statement): string {
  const what = kind === 'rule' ? (isGlobal ? 'the global rule' : 'the rule') : 'the module'
  return `it depends on ${what} ${name}, which is left out`
}
