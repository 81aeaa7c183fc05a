import * as term from './parser.generated.terms.js'
import type { Reading } from './reading.ts'
import type { HexToken } from './syntax.ts'

/** hexString := '{' token+ '}', token := byte | jump | alternatives; also one option of alternatives. */
export function readHexString(reading: Reading): HexToken[] {
  const { tree } = reading
  const tokens: HexToken[] = []
  if (tree.enter()) {
    do {
      if (tree.id === term.HexByte) tokens.push(hexByte(tree.source))
      else if (tree.id === term.HexJump) tokens.push(readJump(reading))
      else if (tree.id === term.HexAlternatives) tokens.push(readAlternatives(reading))
    } while (tree.next())
    tree.leave()
  }
  return tokens
}

/** byte := '~'? nibble nibble, nibble := hexDigit | '?' */
function hexByte(source: string): HexToken {
  const negated = source.length === 3
  const high = source.charCodeAt(negated ? 1 : 0)
  const low = source.charCodeAt(negated ? 2 : 1)
  const mask = (high === QUESTION_MARK ? 0 : 0xf0) | (low === QUESTION_MARK ? 0 : 0x0f)
  return { kind: 'byte', value: ((nibble(high) << 4) | nibble(low)) & mask, mask, negated }
}

const QUESTION_MARK = 0x3f

/** The value of a hexadecimal digit by its character code; 0 for a question mark. */
function nibble(code: number): number {
  if (code === QUESTION_MARK) return 0
  return code <= 0x39 ? code & 0x0f : (code & 0x0f) + 9
}

/** jump := '[' (length | length? '-' length?) ']' */
function readJump({ tree }: Reading): HexToken {
  let from: number | null = null
  let to: number | null = null
  let isRange = false
  if (tree.enter()) {
    do {
      if (tree.id === term.Hyphen) isRange = true
      else if (tree.id === term.JumpLength && isRange) to = Number(tree.source)
      else if (tree.id === term.JumpLength) from = Number(tree.source)
    } while (tree.next())
    tree.leave()
  }
  return { kind: 'jump', from: from ?? 0, to: isRange ? to : from }
}

/** alternatives := '(' option ('|' option)* ')' */
function readAlternatives(reading: Reading): HexToken {
  const { tree } = reading
  const options: HexToken[][] = []
  if (tree.enter()) {
    do if (tree.id === term.HexOption) options.push(readHexString(reading))
    while (tree.next())
    tree.leave()
  }
  return { kind: 'alternatives', options }
}
