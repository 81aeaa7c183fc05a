import type {
  Anchor,
  Expression,
  HexToken,
  OfSet,
  Quantifier,
  Regexp,
  RegexpNode,
  SourceFile,
  StringDefinition,
  StringModifiers,
} from './syntax.ts'

/*
 * The syntax tree as people read it: one node a line, two blanks an inner level. Case files and the explanations of
 * plans are written in it, so it shows everything that changes the meaning and no positions.
 */

/** An expression as an indented tree, one node a line, ending in a newline. */
export function printExpression(expression: Expression): string {
  const printer = new Printer()
  printer.expression(expression)
  return printer.text
}

/** A regular expression's language as an indented tree, one node a line, ending in a newline. */
export function printRegexp(node: RegexpNode): string {
  const printer = new Printer()
  printer.regexpNode(node)
  return printer.text
}

/** A whole text as an indented tree, with its diagnostics at the end, ending in a newline. */
export function printSource(file: SourceFile): string {
  const printer = new Printer()
  for (const { module } of file.imports) printer.line(`import ${module}`)
  for (const { path } of file.includes) printer.line(`include ${path}`)
  for (const rule of file.rules) {
    const marks = `${rule.isGlobal ? 'global ' : ''}${rule.isPrivate ? 'private ' : ''}`
    const tags = rule.tags.length > 0 ? ` : ${rule.tags.join(' ')}` : ''
    printer.line(`${marks}rule ${rule.name}${tags}`)
    printer.within(() => {
      for (const { key, value } of rule.meta) printer.line(`meta ${key} = ${JSON.stringify(value)}`)
      for (const definition of rule.strings) printer.string(definition)
      printer.line('condition')
      printer.within(() => printer.expression(rule.condition))
    })
  }
  for (const { severity, code, message, line, column } of file.diagnostics) {
    printer.line(`${severity} ${line}:${column} ${code}: ${message}`)
  }
  return printer.text
}

class Printer {
  text = ''
  #indent = ''

  line(content: string): void {
    this.text += `${this.#indent}${content}\n`
  }

  within(print: () => void): void {
    const outer = this.#indent
    this.#indent = `${outer}  `
    print()
    this.#indent = outer
  }

  /** A node and, below it, the nodes it is made of. */
  node(content: string, ...parts: readonly Expression[]): void {
    this.line(content)
    this.within(() => {
      for (const part of parts) this.expression(part)
    })
  }

  expression(node: Expression): void {
    switch (node.kind) {
      case 'boolean':
      case 'integer':
      case 'float':
        return this.line(`${node.kind} ${node.value}`)
      case 'textLiteral':
        return this.line(`text ${printBytes(node.bytes)}`)
      case 'regexpLiteral':
        return this.regexp(node.regexp)
      case 'filesize':
      case 'entrypoint':
      case 'unknown':
        return this.line(node.kind)
      case 'identifier':
        return this.line(`identifier ${node.name}`)
      case 'member':
        return this.node(`member .${node.name}`, node.object)
      case 'index':
        return this.node('index', node.object, node.index)
      case 'call':
        return this.node('call', node.callee, ...node.args)
      case 'stringMatch':
      case 'stringCount':
        this.line(`${node.kind} ${node.identifier}`)
        return this.within(() => this.anchor(node.anchor))
      case 'stringOffset':
      case 'stringLength':
        return this.node(`${node.kind} ${node.identifier}`, ...(node.index === null ? [] : [node.index]))
      case 'and':
      case 'or':
        return this.node(node.kind, ...node.operands)
      case 'not':
      case 'defined':
      case 'negate':
      case 'bitwiseNot':
        return this.node(node.kind, node.operand)
      case 'comparison':
      case 'textOperation':
      case 'arithmetic':
        return this.node(`${node.kind} ${node.operator}`, node.left, node.right)
      case 'of':
        this.line('of')
        return this.within(() => {
          this.quantifier(node.quantifier)
          this.set(node.set)
          this.anchor(node.anchor)
        })
      case 'forOf':
        this.line('for of')
        return this.within(() => {
          this.quantifier(node.quantifier)
          this.set(node.set)
          this.expression(node.body)
        })
      case 'forIn': {
        this.line(`for ${node.variables.join(', ')} in`)
        const { iterable } = node
        return this.within(() => {
          this.quantifier(node.quantifier)
          if (iterable.kind === 'range') this.node('range', iterable.from, iterable.to)
          else if (iterable.kind === 'list') this.node('list', ...iterable.items)
          else this.expression(iterable.value)
          this.expression(node.body)
        })
      }
      case 'with':
        this.line('with')
        return this.within(() => {
          for (const { name, value } of node.declarations) this.node(`${name} =`, value)
          this.expression(node.body)
        })
    }
  }

  anchor(anchor: Anchor | null): void {
    if (anchor === null) return
    if (anchor.kind === 'at') this.node('at', anchor.offset)
    else this.node('in', anchor.from, anchor.to)
  }

  quantifier(quantifier: Quantifier): void {
    if (quantifier.kind === 'count' || quantifier.kind === 'percent') this.node(quantifier.kind, quantifier.value)
    else this.line(quantifier.kind)
  }

  set(set: OfSet): void {
    if (set.kind === 'them') this.line('them')
    else if (set.kind === 'expressions') this.node('expressions', ...set.items)
    else this.line(`${set.kind} ${set.patterns.join(' ')}`)
  }

  string(definition: StringDefinition): void {
    const head = `${definition.identifier} =`
    const modifiers = printModifiers(definition.modifiers)
    switch (definition.kind) {
      case 'text':
        return this.line(`${head} text ${printBytes(definition.bytes)}${modifiers}`)
      case 'hex':
        this.line(`${head} hex${modifiers}`)
        return this.within(() => this.hexTokens(definition.tokens))
      case 'regexp':
        this.line(`${head}${modifiers}`)
        return this.within(() => this.regexp(definition.regexp))
    }
  }

  /** Runs of bytes share a line. */
  hexTokens(tokens: readonly HexToken[]): void {
    let run: string[] = []
    const flush = () => {
      if (run.length > 0) this.line(run.join(' '))
      run = []
    }
    for (const token of tokens) {
      if (token.kind === 'byte') {
        run.push(printHexByte(token))
        continue
      }
      flush()
      if (token.kind === 'jump') {
        this.line(`jump ${token.from}..${token.to ?? ''}`)
      } else {
        this.line('alternatives')
        this.within(() => {
          for (const option of token.options) {
            this.line('option')
            this.within(() => this.hexTokens(option))
          }
        })
      }
    }
    flush()
  }

  regexp({ source, caseInsensitive, dotAll, node }: Regexp): void {
    this.line(`regexp /${source}/${caseInsensitive ? 'i' : ''}${dotAll ? 's' : ''}`)
    this.within(() => (node === null ? this.line('not known') : this.regexpNode(node)))
  }

  regexpNode(node: RegexpNode): void {
    switch (node.kind) {
      case 'empty':
        return this.line('empty')
      case 'literal':
        return this.line(`literal ${printBytes(node.bytes)}${node.nocase ? ' nocase' : ''}`)
      case 'set':
        return this.line(`set ${printSet(node.set)}`)
      case 'assertion':
        return this.line(`assertion ${node.assertion}`)
      case 'repeat':
        this.line(`repeat ${node.min}..${node.max ?? ''}`)
        return this.within(() => this.regexpNode(node.item))
      case 'sequence':
        this.line('sequence')
        return this.within(() => {
          for (const item of node.items) this.regexpNode(item)
        })
      case 'alternatives':
        this.line('alternatives')
        return this.within(() => {
          for (const option of node.options) this.regexpNode(option)
        })
    }
  }
}

/** Printable ASCII as it is, in quotes; anything else as `\xNN`. */
function printBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `"${text}"`
}

function printHexByte({ value, mask, negated }: { value: number; mask: number; negated: boolean }): string {
  const digits = value.toString(16).padStart(2, '0')
  const high = (mask & 0xf0) === 0 ? '?' : digits[0]
  const low = (mask & 0x0f) === 0 ? '?' : digits[1]
  return `${negated ? '~' : ''}${high}${low}`
}

/** Ranges of bytes: `41-5a 5f`. */
function printSet(set: Uint8Array): string {
  const has = (byte: number) => ((set[byte >> 3] as number) & (1 << (byte & 7))) !== 0
  const ranges: string[] = []
  for (let from = 0; from < 256; from++) {
    if (!has(from)) continue
    let to = from
    while (to < 255 && has(to + 1)) to++
    const [first, last] = [from, to].map((byte) => byte.toString(16).padStart(2, '0'))
    ranges.push(from === to ? `${first}` : `${first}-${last}`)
    from = to
  }
  return ranges.length > 0 ? ranges.join(' ') : 'nothing'
}

function printModifiers(modifiers: StringModifiers): string {
  const parts: string[] = []
  for (const flag of ['ascii', 'wide', 'nocase', 'fullword', 'private'] as const) if (modifiers[flag]) parts.push(flag)
  if (modifiers.xor !== null) parts.push(`xor(${modifiers.xor.from}-${modifiers.xor.to})`)
  for (const encoding of ['base64', 'base64wide'] as const) {
    const alphabet = modifiers[encoding]
    if (alphabet !== null) parts.push(alphabet === 'standard' ? encoding : `${encoding}(${alphabet})`)
  }
  return parts.map((part) => ` ${part}`).join('')
}
