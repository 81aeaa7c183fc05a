import type { HexToken, RegexpNode, StringDefinition, StringModifiers, TextString } from '../../src/yara/index.ts'
import type { Random } from './random.ts'

/** Bytes that the string matches, drawn at random: wildcards, jumps, alternatives, keys, case and encoding. */
export function randomForm(string: StringDefinition, random: Random): Uint8Array {
  const { modifiers } = string
  switch (string.kind) {
    case 'hex':
      return Uint8Array.from(tokensForm(string.tokens, random))
    case 'regexp': {
      const plain = string.regexp.node === null ? [] : nodeForm(string.regexp.node, random)
      const cased = string.regexp.caseInsensitive ? anyCase(plain, random) : plain
      return Uint8Array.from(isWide(modifiers, random) ? widened(cased) : cased)
    }
    case 'text':
      return textForm(string, random)
  }
}

function textForm({ bytes, modifiers }: TextString, random: Random): Uint8Array {
  if (modifiers.base64 !== null || modifiers.base64wide !== null) {
    const wide = modifiers.base64 === null || (modifiers.base64wide !== null && random.once(2))
    const alphabet = wide ? modifiers.base64wide : modifiers.base64
    const text = isWide(modifiers, random) ? widened([...bytes]) : [...bytes]
    const around = [...random.bytes(random.below(4)), ...text, ...random.bytes(3 + random.below(4))]
    const encoded = base64(around, alphabet ?? 'standard')
    return Uint8Array.from(wide ? widened(encoded) : encoded)
  }
  const cased = modifiers.nocase ? anyCase([...bytes], random) : [...bytes]
  const coded = isWide(modifiers, random) ? widened(cased) : cased
  const key = modifiers.xor === null ? 0 : modifiers.xor.from + random.below(modifiers.xor.to - modifiers.xor.from + 1)
  return Uint8Array.from(coded, (byte) => byte ^ key)
}

function isWide(modifiers: StringModifiers, random: Random): boolean {
  return modifiers.wide && (!modifiers.ascii || random.once(2))
}

function tokensForm(tokens: readonly HexToken[], random: Random): number[] {
  return tokens.flatMap((token) => tokenForm(token, random))
}

function tokenForm(token: HexToken, random: Random): number[] {
  switch (token.kind) {
    case 'byte': {
      if (!token.negated) return [token.value | (random.below(256) & ~token.mask)]
      let byte = random.below(256)
      while ((byte & token.mask) === token.value) byte = random.below(256)
      return [byte]
    }
    case 'jump': {
      const longest = Math.min(40, (token.to ?? token.from + 40) - token.from)
      return [...random.bytes(token.from + random.below(1 + longest))]
    }
    case 'alternatives':
      return tokensForm(random.pick(token.options), random)
  }
}

function nodeForm(node: RegexpNode, random: Random): number[] {
  switch (node.kind) {
    case 'empty':
    case 'assertion':
      return []
    case 'literal':
      return [...node.bytes]
    case 'set': {
      const members = Array.from({ length: 256 }, (_, byte) => byte).filter(
        (byte) => (((node.set[byte >> 3] as number) >> (byte & 7)) & 1) === 1,
      )
      return members.length === 0 ? [] : [random.pick(members)]
    }
    case 'sequence':
      return node.items.flatMap((item) => nodeForm(item, random))
    case 'alternatives':
      return nodeForm(random.pick(node.options), random)
    case 'repeat': {
      const times = node.min + random.below(1 + Math.min(6, (node.max ?? node.min + 6) - node.min))
      return Array.from({ length: times }, () => nodeForm(node.item, random)).flat()
    }
  }
}

function anyCase(bytes: readonly number[], random: Random): number[] {
  return bytes.map((byte) => {
    const upper = byte & 0xdf
    return upper >= 0x41 && upper <= 0x5a && random.once(2) ? byte ^ 0x20 : byte
  })
}

function widened(bytes: readonly number[]): number[] {
  return bytes.flatMap((byte) => [byte, 0])
}

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function base64(bytes: readonly number[], alphabet: string): number[] {
  const letters = alphabet === 'standard' ? STANDARD : alphabet
  const text = Buffer.from(bytes).toString('base64').replaceAll('=', '')
  return [...text].map((letter) => letters.charCodeAt(STANDARD.indexOf(letter)))
}
