import { readExpression, unknown } from './conditions.ts'
import { readHexString } from './hex-string.ts'
import { floatValue, integerValue, textBytes, textValue } from './literals.ts'
import * as term from './parser.generated.terms.js'
import type { Reading } from './reading.ts'
import { readRegexp } from './regexp-literal.ts'
import type {
  Expression,
  Include,
  MetaEntry,
  ModuleImport,
  Rule,
  Span,
  StringDefinition,
  StringModifiers,
} from './syntax.ts'
import type { TreeReader } from './tree-reader.ts'

/** sourceFile := (import | include | rule)* */
export function readSourceFile(reading: Reading): { imports: ModuleImport[]; includes: Include[]; rules: Rule[] } {
  const { tree } = reading
  const file = { imports: [] as ModuleImport[], includes: [] as Include[], rules: [] as Rule[] }
  if (tree.enter()) {
    do {
      if (tree.id === term.Import) {
        file.imports.push({ module: readOnlyText(reading), span: tree.span })
      } else if (tree.id === term.Include) {
        file.includes.push({ path: readOnlyText(reading), span: tree.span })
        reading.complain(
          'include-refused',
          'include is not allowed here, since rules are kept apart from files; put the included rules into this text',
          tree.span,
        )
      } else if (tree.id === term.Rule) {
        const rule = readRule(reading)
        if (rule !== null) file.rules.push(rule)
      }
    } while (tree.next())
    tree.leave()
  }
  return file
}

/** import := 'import' text, include := 'include' text */
function readOnlyText(reading: Reading): string {
  const { tree } = reading
  let value = ''
  if (tree.enter()) {
    do if (tree.id === term.Text) value = textValue(tree.source, tree.span.from, reading.complain)
    while (tree.next())
    tree.leave()
  }
  return value
}

/**
 * rule := ('global' | 'private')* 'rule' name (':' tag+)? '{' meta? strings? condition '}'
 * Null when recovery found no name. Strings and condition of one that nests too deep are left out.
 */
function readRule(reading: Reading): Rule | null {
  const { tree } = reading
  const { span } = tree
  let name = ''
  let nameSpan: Span = span
  let isGlobal = false
  let isPrivate = false
  let tags: readonly string[] = []
  let meta: readonly MetaEntry[] = []
  let strings: readonly StringDefinition[] = []
  let condition: Expression = unknown(span)
  let conditionFrom = span.to
  const isTooDeep = tree.isAmong(reading.tooDeep)
  if (tree.enter()) {
    do {
      if (tree.id === term.RuleModifier) {
        isGlobal ||= tree.source === 'global'
        isPrivate ||= tree.source === 'private'
      } else if (tree.id === term.RuleName) {
        name = tree.source
        nameSpan = tree.span
      } else if (tree.id === term.Tags) tags = readAll(reading, term.Tag, () => tree.source)
      else if (tree.id === term.Meta) meta = readAll(reading, term.MetaEntry, readMetaEntry)
      else if (isTooDeep) continue
      else if (tree.id === term.Strings) strings = readAll(reading, term.StringDefinition, readStringDefinition)
      else if (tree.id === term.Condition) {
        conditionFrom = endOfColon(tree)
        condition = readCondition(reading)
      }
    } while (tree.next())
    tree.leave()
  }
  if (name === '') return null
  const conditionSpan = { from: conditionFrom, to: Math.max(conditionFrom, span.to - 1) }
  const rule = { name, nameSpan, isGlobal, isPrivate, tags, meta, strings, condition, conditionSpan, span }
  return isTooDeep ? { ...rule, notUnderstood: 'the rule nests deeper than the parser follows' } : rule
}

function readAll<Item>(reading: Reading, kind: number, read: (reading: Reading) => Item | null): Item[] {
  const { tree } = reading
  const found: Item[] = []
  if (tree.enter()) {
    do {
      const item = tree.id === kind ? read(reading) : null
      if (item !== null) found.push(item)
    } while (tree.next())
    tree.leave()
  }
  return found
}

/** entry := key '=' (text | '-'? integer | '-'? float | 'true' | 'false') */
function readMetaEntry(reading: Reading): MetaEntry | null {
  const { tree, complain } = reading
  const { span } = tree
  let key = ''
  let sign = 1
  let value: string | number | boolean | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.MetaKey) key = tree.source
      else if (tree.id === term.Text) value = textValue(tree.source, tree.span.from, complain)
      else if (tree.id === term.Integer) value = sign * Number(integerValue(tree.source) ?? 0)
      else if (tree.id === term.Float) value = sign * floatValue(tree.source)
      else if (tree.id === term._true || tree.id === term._false) value = tree.id === term._true
      else if (tree.source === '-') sign = -1
    } while (tree.next())
    tree.leave()
  }
  return value === null ? null : { key, value, span }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** definition := '$' name '=' (text | regexp | hexString) modifier* */
function readStringDefinition(reading: Reading): StringDefinition | null {
  const { tree, complain } = reading
  const { span } = tree
  const modifiers: Mutable<StringModifiers> = {
    nocase: false,
    wide: false,
    ascii: false,
    fullword: false,
    private: false,
    xor: null,
    base64: null,
    base64wide: null,
  }
  let identifier = ''
  let definition: StringDefinition | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.StringIdentifier) identifier = tree.source
      else if (tree.id === term.Text) {
        const bytes = textBytes(tree.source, tree.span.from, complain)
        definition = { kind: 'text', bytes, identifier, modifiers, span }
      } else if (tree.id === term.Regexp) {
        definition = { kind: 'regexp', regexp: readRegexp(reading), identifier, modifiers, span }
      } else if (tree.id === term.HexString) {
        definition = { kind: 'hex', tokens: readHexString(reading), identifier, modifiers, span }
      } else if (tree.id === term.StringModifier) readModifier(reading, modifiers)
    } while (tree.next())
    tree.leave()
  }
  return definition
}

/**
 * modifier := 'ascii' | 'wide' | 'nocase' | 'fullword' | 'private'
 *   | ('base64' | 'base64wide') ('(' text ')')? | 'xor' ('(' integer ('-' integer)? ')')?
 */
function readModifier(reading: Reading, modifiers: Mutable<StringModifiers>): void {
  const { tree } = reading
  if (!tree.enter()) return
  const keyword = tree.name
  const numbers: number[] = []
  let alphabet: string | 'standard' = 'standard'
  while (tree.next()) {
    if (tree.id === term.Text) alphabet = textValue(tree.source, tree.span.from, reading.complain)
    else if (tree.id === term.Integer) numbers.push(readXorKey(reading))
  }
  tree.leave()
  if (keyword === 'xor') {
    const from = numbers[0] ?? 0
    modifiers.xor = { from, to: numbers[1] ?? numbers[0] ?? 255 }
  } else if (keyword === 'base64' || keyword === 'base64wide') {
    modifiers[keyword] = alphabet
  } else {
    modifiers[keyword as 'ascii' | 'wide' | 'nocase' | 'fullword' | 'private'] = true
  }
}

function readXorKey({ tree, complain }: Reading): number {
  const value = integerValue(tree.source)
  if (value !== null && value <= 255n) return Number(value)
  complain('integer-range', 'a xor key is one byte: expected a number from 0 to 255', tree.span)
  return 255
}

/** condition := 'condition' ':' expression */
function readCondition(reading: Reading): Expression {
  const { tree } = reading
  let condition: Expression = unknown(tree.span)
  if (!tree.isBroken && tree.enter()) {
    while (tree.next()) if (tree.name !== ':') condition = readExpression(reading)
    tree.leave()
  }
  return condition
}

/** Of `condition :` with blanks and comments between. */
function endOfColon(tree: TreeReader): number {
  let end = tree.span.to
  if (tree.enter()) {
    do if (tree.name === ':') end = tree.span.to
    while (tree.name !== ':' && tree.next())
    tree.leave()
  }
  return end
}
