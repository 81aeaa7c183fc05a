/**
 * A text taken apart into its rules, so that each can be looked up and run by itself.
 *
 * A rule needs little of its text: the modules that it names, the rules above it that it refers to, the global rules, and
 * what those need. The rest of the text changes nothing for it.
 *
 *     import "pe"                                 a    private, never reported: only in parts of others
 *     private rule a { condition: pe.is_pe }      b    import "pe", a, b
 *     rule b { condition: a and … }               c    c
 *     rule c { … }
 *
 * What a rule refers to is read off the words of its condition, wherever they stand: one in a comment may bring in a rule
 * too many, which costs a little and changes no answer.
 */
import type { Rule, SourceFile } from './syntax.ts'

/** One rule of a text with what it needs: a text that compiles by itself, and finds for the rule what the text finds. */
export interface RulePart {
  /** The rule that is reported; the others are there because it needs them. */
  readonly rule: string
  /** Where it stands among the rules of its text. */
  readonly place: number
  readonly content: string
  /** The statements that import modules, with which the content begins. */
  readonly imports: string
  /** The rules in the order of the text, each behind those that it refers to; where they stand in the content. */
  readonly rules: readonly {
    readonly name: string
    readonly place: number
    readonly from: number
    readonly to: number
  }[]
}

/** What the parts have together may be so many times as long as the text, and so much longer than it. */
const MOST_GROWTH = 4
const GROWTH_ALLOWED = 100_000

/**
 * A part for each rule that is reported, in the order of the text. Null where a part could find something else than the
 * text does, since something was not understood; and where the parts would be many times as long as the text.
 */
export function rulePartsOf(text: string, file: SourceFile): readonly RulePart[] | null {
  const { rules } = file
  if (file.notUnderstood !== null || file.diagnostics.length > 0 || file.includes.length > 0) return null
  if (rules.some(({ notUnderstood }) => notUnderstood !== undefined)) return null
  const contents = rules.map(({ span }) => text.slice(span.from, span.to))
  const wordsLike = (pattern: RegExp) =>
    rules.map(({ condition: { span } }) => new Set(text.slice(span.from, span.to).match(pattern)))
  const references = referencesOf(rules, wordsLike(RULE))
  const words = wordsLike(MODULE)
  const globals = [...rules.keys()].filter((place) => rules[place]?.isGlobal)
  const modules = [...new Set(file.imports.map(({ module }) => module))]
  const parts: RulePart[] = []
  let room = MOST_GROWTH * text.length + GROWTH_ALLOWED
  for (const [place, { name, isPrivate }] of rules.entries()) {
    if (isPrivate) continue
    const places = [...withReferences([place, ...globals], references)].sort((one, other) => one - other)
    const named = modules.filter((module) => places.some((place) => words[place]?.has(module)))
    const imports = named.map((module) => `import "${module}"\n`).join('')
    let content = imports
    const placed: RulePart['rules'][number][] = []
    for (const place of places) {
      const from = content.length
      content += contents[place]
      placed.push({ name: rules[place]?.name ?? '', place, from, to: content.length })
      content += '\n'
    }
    room -= content.length
    if (room < 0) return null
    parts.push({ rule: name, place, content, imports, rules: placed })
  }
  return parts
}

/** One text of several parts of the same text, in which every rule is there once. */
export function textOfParts(parts: readonly RulePart[]): string {
  const rules = new Map<number, string>()
  for (const part of parts) {
    for (const { place, from, to } of part.rules) if (!rules.has(place)) rules.set(place, part.content.slice(from, to))
  }
  const ordered = [...rules].sort(([one], [other]) => one - other)
  return [...new Set(parts.map(({ imports }) => imports)), ...ordered.map(([, content]) => `${content}\n`)].join('')
}

/** A name, or the beginning of several: `any of (loader_*)`. Not that of a string, nor of something within a module. */
const RULE = /(?<![\w$#@!]|(?<!\.)\.)[A-Za-z_]\w*\*?/g
/** Behind a dot too: a range may end there, and blanks and comments may be between its two dots. */
const MODULE = /(?<![\w$#@!])[A-Za-z_]\w*/g

/** The rules above each rule that it names. */
function referencesOf(rules: readonly Rule[], words: readonly ReadonlySet<string>[]): readonly (readonly number[])[] {
  const above = new Map<string, number>()
  return rules.map(({ name }, place) => {
    const named: number[] = []
    for (const word of words[place] ?? []) {
      const known = above.get(word.replace('*', ''))
      if (known !== undefined) named.push(known)
      if (!word.endsWith('*')) continue
      for (const [other, at] of above) if (other.startsWith(word.slice(0, -1))) named.push(at)
    }
    above.set(name, place)
    return named
  })
}

/** A set grows while it is walked. */
function withReferences(places: readonly number[], references: readonly (readonly number[])[]): Set<number> {
  const all = new Set(places)
  for (const place of all) for (const other of references[place] ?? []) all.add(other)
  return all
}
