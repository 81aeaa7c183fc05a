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
  const negated = source.startsWith('~')
  const high = source[negated ? 1 : 0] as string
  const low = source[negated ? 2 : 1] as string
  const mask = (high === '?' ? 0 : 0xf0) | (low === '?' ? 0 : 0x0f)
  const value = Number.parseInt(`${high}${low}`.replaceAll('?', '0'), 16)
  return { kind: 'byte', value, mask, negated }
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
