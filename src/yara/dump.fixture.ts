/*
 * The syntax tree as people read it: one node a line, two blanks an inner level. Case files and the explanations of
 * plans are written in it, so it shows everything that changes the meaning, and no positions.
 */
import type {
  Anchor,
  Expression,
  HexToken,
  OfSet,
  Quantifier,
  Regexp,
  RegexpNode,
  Rule,
  SourceFile,
  StringDefinition,
  StringModifiers,
} from './syntax.ts'

/** An expression as an indented tree, one node a line, ending in a newline. */
export function printExpression(expression: Expression): string {
  return text(expressionLines(expression))
}

/** A regular expression's language as an indented tree, one node a line, ending in a newline. */
export function printRegexp(node: RegexpNode): string {
  return text(regexpNodeLines(node))
}

/** A whole text as an indented tree, its diagnostics last, ending in a newline; empty for an empty file. */
export function printSource(file: SourceFile): string {
  return text([
    ...file.imports.map(({ module }) => `import ${module}`),
    ...file.includes.map(({ path }) => `include ${path}`),
    ...file.rules.flatMap(ruleLines),
    ...file.diagnostics.map((d) => `${d.severity} ${d.line}:${d.column} ${d.code}: ${d.message}`),
  ])
}

type Lines = readonly string[]

function text(lines: Lines): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** A node and, one level in, what it is made of. */
function node(head: string, ...parts: readonly Lines[]): Lines {
  return [head, ...parts.flatMap((lines) => lines.map((line) => `  ${line}`))]
}

function ruleLines({ name, isGlobal, isPrivate, tags, meta, strings, condition }: Rule): Lines {
  const marks = `${isGlobal ? 'global ' : ''}${isPrivate ? 'private ' : ''}`
  return node(
    `${marks}rule ${name}${tags.length > 0 ? ' : ' : ''}${tags.join(' ')}`,
    meta.map(({ key, value }) => `meta ${key} = ${JSON.stringify(value)}`),
    ...strings.map(stringLines),
    node('condition', expressionLines(condition)),
  )
}

// ------------------------------------------------------------------------------------------------------- conditions

function expressionLines(expression: Expression): Lines {
  switch (expression.kind) {
    case 'boolean':
    case 'integer':
    case 'float':
      return [`${expression.kind} ${expression.value}`]
    case 'textLiteral':
      return [`text ${printBytes(expression.bytes)}`]
    case 'regexpLiteral':
      return regexpLines(expression.regexp)
    case 'filesize':
    case 'entrypoint':
    case 'unknown':
      return [expression.kind]
    case 'identifier':
      return [`identifier ${expression.name}`]
    case 'member':
      return node(`member .${expression.name}`, expressionLines(expression.object))
    case 'index':
      return node('index', expressionLines(expression.object), expressionLines(expression.index))
    case 'call':
      return node('call', expressionLines(expression.callee), ...expression.args.map(expressionLines))
    case 'stringMatch':
    case 'stringCount':
      return node(`${expression.kind} ${expression.identifier}`, anchorLines(expression.anchor))
    case 'stringOffset':
    case 'stringLength': {
      const { kind, identifier, index } = expression
      return node(`${kind} ${identifier}`, index === null ? [] : expressionLines(index))
    }
    case 'and':
    case 'or':
      return node(expression.kind, ...expression.operands.map(expressionLines))
    case 'not':
    case 'defined':
    case 'negate':
    case 'bitwiseNot':
      return node(expression.kind, expressionLines(expression.operand))
    case 'comparison':
    case 'textOperation':
    case 'arithmetic': {
      const { kind, operator, left, right } = expression
      return node(`${kind} ${operator}`, expressionLines(left), expressionLines(right))
    }
    case 'of': {
      const { quantifier, set, anchor } = expression
      return node('of', quantifierLines(quantifier), setLines(set), anchorLines(anchor))
    }
    case 'forOf': {
      const { quantifier, set, body } = expression
      return node('for of', quantifierLines(quantifier), setLines(set), expressionLines(body))
    }
    case 'forIn': {
      const { variables, quantifier, iterable, body } = expression
      const values =
        iterable.kind === 'range'
          ? node('range', expressionLines(iterable.from), expressionLines(iterable.to))
          : iterable.kind === 'list'
            ? node('list', ...iterable.items.map(expressionLines))
            : expressionLines(iterable.value)
      return node(`for ${variables.join(', ')} in`, quantifierLines(quantifier), values, expressionLines(body))
    }
    case 'with': {
      const declarations = expression.declarations.map(({ name, value }) => node(`${name} =`, expressionLines(value)))
      return node('with', ...declarations, expressionLines(expression.body))
    }
  }
}

function anchorLines(anchor: Anchor | null): Lines {
  if (anchor === null) return []
  if (anchor.kind === 'at') return node('at', expressionLines(anchor.offset))
  return node('in', expressionLines(anchor.from), expressionLines(anchor.to))
}

function quantifierLines(quantifier: Quantifier): Lines {
  return quantifier.kind === 'count' || quantifier.kind === 'percent'
    ? node(quantifier.kind, expressionLines(quantifier.value))
    : [quantifier.kind]
}

function setLines(set: OfSet): Lines {
  if (set.kind === 'them') return ['them']
  if (set.kind === 'expressions') return node('expressions', ...set.items.map(expressionLines))
  return [`${set.kind} ${set.patterns.join(' ')}`]
}

// ---------------------------------------------------------------------------------------------------------- strings

function stringLines(definition: StringDefinition): Lines {
  const { identifier } = definition
  const modifiers = printModifiers(definition.modifiers)
  switch (definition.kind) {
    case 'text':
      return [`${identifier} = text ${printBytes(definition.bytes)}${modifiers}`]
    case 'hex':
      return node(`${identifier} = hex${modifiers}`, hexLines(definition.tokens))
    case 'regexp': {
      const [head = '', ...language] = regexpLines(definition.regexp)
      return [`${identifier} = ${head}${modifiers}`, ...language]
    }
  }
}

/** Runs of bytes share a line. */
function hexLines(tokens: readonly HexToken[]): Lines {
  const lines: string[] = []
  let run: string[] = []
  const flush = () => {
    if (run.length > 0) lines.push(run.join(' '))
    run = []
  }
  for (const token of tokens) {
    if (token.kind === 'byte') {
      run.push(printHexByte(token))
      continue
    }
    flush()
    if (token.kind === 'jump') lines.push(`jump ${token.from}..${token.to ?? ''}`)
    else lines.push(...node('alternatives', ...token.options.map((option) => node('option', hexLines(option)))))
  }
  flush()
  return lines
}

function regexpLines({ source, caseInsensitive, dotAll, node: language }: Regexp): Lines {
  const flags = `${caseInsensitive ? 'i' : ''}${dotAll ? 's' : ''}`
  return node(`regexp /${source}/${flags}`, language === null ? ['not known'] : regexpNodeLines(language))
}

function regexpNodeLines(language: RegexpNode): Lines {
  switch (language.kind) {
    case 'empty':
      return ['empty']
    case 'literal':
      return [`literal ${printBytes(language.bytes)}${language.nocase ? ' nocase' : ''}`]
    case 'set':
      return [`set ${printSet(language.set)}`]
    case 'assertion':
      return [`assertion ${language.assertion}`]
    case 'repeat':
      return node(`repeat ${language.min}..${language.max ?? ''}`, regexpNodeLines(language.item))
    case 'sequence':
      return node('sequence', ...language.items.map(regexpNodeLines))
    case 'alternatives':
      return node('alternatives', ...language.options.map(regexpNodeLines))
  }
}

/** Printable ASCII as it is, in quotes; anything else as `\xNN`. */
function printBytes(bytes: Uint8Array): string {
  let shown = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    shown += isPlain ? String.fromCharCode(byte) : `\\x${hex(byte)}`
  }
  return `"${shown}"`
}

function printHexByte({ value, mask, negated }: { value: number; mask: number; negated: boolean }): string {
  const [high, low] = hex(value)
  return `${negated ? '~' : ''}${(mask & 0xf0) === 0 ? '?' : high}${(mask & 0x0f) === 0 ? '?' : low}`
}

/** Ranges of bytes: `41-5a 5f`. */
function printSet(set: Uint8Array): string {
  const has = (byte: number) => ((set[byte >> 3] as number) & (1 << (byte & 7))) !== 0
  const ranges: string[] = []
  for (let from = 0; from < 256; from++) {
    if (!has(from)) continue
    let to = from
    while (to < 255 && has(to + 1)) to++
    ranges.push(from === to ? hex(from) : `${hex(from)}-${hex(to)}`)
    from = to
  }
  return ranges.length > 0 ? ranges.join(' ') : 'nothing'
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

function printModifiers(modifiers: StringModifiers): string {
  const parts: string[] = (['ascii', 'wide', 'nocase', 'fullword', 'private'] as const).filter((m) => modifiers[m])
  if (modifiers.xor !== null) parts.push(`xor(${modifiers.xor.from}-${modifiers.xor.to})`)
  for (const encoding of ['base64', 'base64wide'] as const) {
    const alphabet = modifiers[encoding]
    if (alphabet !== null) parts.push(alphabet === 'standard' ? encoding : `${encoding}(${alphabet})`)
  }
  return parts.map((part) => ` ${part}`).join('')
}
