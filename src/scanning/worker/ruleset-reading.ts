import { parse, type Rule, type SourceFile } from '../../yara/index.ts'

/** What our own parser knows of a ruleset, and the engine's binding does not report. */
export interface RulesetReading {
  readonly rules: ReadonlyMap<string, RuleReading>
  /** Every construct was understood. */
  readonly complete: boolean
  /** Some condition looks at how many matches a string has, or where: all of them must be recorded. */
  readonly countsMatches: boolean
  /** Compiling it together with others changes nothing for it or for them, as long as rule names differ. */
  readonly canShare: boolean
}

export interface RuleReading {
  readonly meta: Readonly<Record<string, string | number | boolean>>
  /** Identifiers of strings that must not be reported. */
  readonly privateStrings: ReadonlySet<string>
}

/** Keeps what is needed and lets the tree go: a worker holds hundreds of these. */
export function readRuleset(text: string): RulesetReading {
  const source = parse(text)
  const complete = source.diagnostics.length === 0
  return {
    rules: new Map(source.rules.map((rule) => [rule.name, readRule(rule)])),
    complete,
    countsMatches: !complete || source.rules.some((rule) => looksAtPositions(rule.condition)),
    canShare: complete && sharesNothing(source),
  }
}

function readRule(rule: Rule): RuleReading {
  return {
    meta: Object.fromEntries(rule.meta.map((entry) => [entry.key, entry.value])),
    // Anonymous strings are all called `$`: where one of them is private, none is shown.
    privateStrings: new Set(
      rule.strings.filter((string) => string.modifiers.private).map((string) => string.identifier),
    ),
  }
}

/** A global rule of one ruleset would switch off the others'. */
function sharesNothing(source: SourceFile): boolean {
  return source.rules.every((rule) => !rule.isGlobal)
}

const positional = new Set(['stringCount', 'stringOffset', 'stringLength', 'unknown'])

/** Walks any part of a condition; whatever holds an anchor (`at`, `in`) or a positional node answers true. */
function looksAtPositions(part: unknown): boolean {
  if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) return false
  if (Array.isArray(part)) return part.some(looksAtPositions)
  const node = part as { readonly kind?: string; readonly anchor?: unknown }
  if (node.kind !== undefined && positional.has(node.kind)) return true
  if (node.anchor !== undefined && node.anchor !== null) return true
  return Object.values(part).some(looksAtPositions)
}
