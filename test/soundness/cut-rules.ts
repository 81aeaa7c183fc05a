/**
 * Rules that are cut out of samples: strings of every kind whose text is a piece of a real file, taken at random, and
 * conditions that this file fulfils. So each rule has something to match, and nothing about it was chosen by a person
 * who knows how the index works.
 */
import type { Random } from '../planner/random.ts'

export interface CutRule {
  readonly name: string
  readonly kind: StringKind
  readonly text: string
}

export const stringKinds = ['text', 'nocase', 'wide', 'xor', 'base64', 'hex', 'regexp'] as const
export type StringKind = (typeof stringKinds)[number]

/** A string's definition without its identifier, and where in the sample it was cut out. */
interface Cut {
  readonly definition: string
  readonly offset: number
}

/** A rule with strings of the kind out of the sample; null where the sample has no piece that would do. */
export function cutRule(name: string, kind: StringKind, sample: Buffer, random: Random): CutRule | null {
  const cuts = Array.from({ length: 1 + random.below(3) }, () => cutters[kind](sample, random)).filter(
    (cut) => cut !== null,
  )
  const [first] = cuts
  if (first === undefined) return null
  const strings = cuts.map(({ definition }, n) => `    $s${n} = ${definition}`)
  const drawn = conditionFor(first, cuts.length, sample, random)
  // The engine refuses strings that no condition mentions.
  const condition = cuts.length > 1 && !drawn.includes('$s*') ? `(${drawn}) and any of ($s*)` : drawn
  if (condition.includes('$absent')) strings.push(`    $absent = "${escaped(Buffer.from(random.bytes(12)))}"`)
  return { name, kind, text: `rule ${name} {\n  strings:\n${strings.join('\n')}\n  condition:\n    ${condition}\n}\n` }
}

function conditionFor({ offset }: Cut, strings: number, sample: Buffer, random: Random): string {
  const magic = sample.length >= 4 ? `uint32(0) == ${sample.readUInt32LE(0)}` : 'filesize > 0'
  return random.pick([
    'all of ($s*)',
    'any of ($s*)',
    `${Math.min(2, strings)} of ($s*)`,
    '$s0 or $absent',
    '$absent or ($s0 and filesize > 3)',
    'not $absent and any of ($s*)',
    '1 of ($absent, $s0)',
    `$s0 and filesize == ${sample.length}`,
    `filesize < ${sample.length + 1} and #s0 > 0`,
    `$s0 in (${Math.max(0, offset - 16)}..${offset + 16})`,
    `${magic} and $s0`,
    `(${magic} or $absent) and any of ($s*)`,
    'for any of ($s*) : ( # > 0 )',
    'for all i in (1..#s0) : ( @s0[i] < filesize ) and $s0',
  ])
}

const cutters: Readonly<Record<StringKind, (sample: Buffer, random: Random) => Cut | null>> = {
  text(sample, random) {
    const piece = cutOut(sample, 4 + random.below(20), random)
    const modifier = random.pick(['', '', ' ascii', ' ascii wide', ' private'])
    return piece && { definition: `"${escaped(piece.bytes)}"${modifier}`, offset: piece.offset }
  },
  nocase(sample, random) {
    const piece = cutRun(sample, /[\x20-\x7e]{6,}/g, 24, random)
    return piece && { definition: `"${escaped(anyCase(piece.bytes, random))}" nocase`, offset: piece.offset }
  },
  wide(sample, random) {
    const piece = cutRun(sample, /(?:[\x20-\x7e]\0){5,}/g, 48, random)
    if (piece === null) return null
    const characters = Buffer.from(piece.bytes.filter((_, at) => at % 2 === 0))
    const [text, modifier] = random.once(2) ? [characters, 'wide'] : [anyCase(characters, random), 'wide nocase']
    return { definition: `"${escaped(text)}" ${modifier}`, offset: piece.offset }
  },
  xor(sample, random) {
    const piece = cutOut(sample, 5 + random.below(16), random)
    if (piece === null) return null
    const key = 1 + random.below(255)
    const plain = piece.bytes.map((byte) => byte ^ key)
    const range = random.pick(['', `(${key})`, `(${Math.max(0, key - 3)}-${Math.min(255, key + 3)})`])
    return { definition: `"${escaped(plain)}" xor${range}`, offset: piece.offset }
  },
  base64(sample, random) {
    const piece = cutRun(sample, /(?:[A-Za-z0-9+/]{4}){5,}/g, 40, random)
    if (piece === null) return null
    const encoded = piece.bytes.toString('latin1', 0, piece.bytes.length - (piece.bytes.length % 4))
    return { definition: `"${escaped(Buffer.from(encoded, 'base64'))}" base64`, offset: piece.offset }
  },
  hex(sample, random) {
    const piece = cutOut(sample, 8 + random.below(20), random)
    if (piece === null) return null
    const { bytes, offset } = piece
    const tokens: string[] = []
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number
      const isInside = at >= 2 && at < bytes.length - 3
      const form = isInside ? random.below(9) : 9
      if (form === 0) tokens.push('??')
      else if (form === 1) tokens.push(`?${hex(byte)[1]}`)
      else if (form === 2) tokens.push(`${hex(byte)[0]}?`)
      else if (form === 3) tokens.push(`~${hex(byte ^ (1 + random.below(255)))}`)
      else if (form === 4)
        tokens.push(`( ${random.shuffled([hex(byte), `${hex(random.below(256))} 00`]).join(' | ')} )`)
      else if (form === 5) {
        const length = 1 + random.below(2)
        tokens.push(random.pick([`[${length}]`, `[0-${length + 3}]`]))
        at += length - 1
      } else tokens.push(hex(byte))
    }
    return { definition: `{ ${tokens.join(' ')} }`, offset }
  },
  regexp(sample, random) {
    const piece = cutRun(sample, /[\x20-\x7e]{8,}/g, 24, random)
    if (piece === null) return null
    const ignoresCase = random.once(3)
    const text = (ignoresCase ? anyCase(piece.bytes, random) : piece.bytes).toString('latin1')
    const parts = [...text].map((letter, at) => {
      const literal = letter.replace(/[^A-Za-z0-9 _]/, '\\$&')
      if (at < 3 || at >= text.length - 3) return literal
      return random.pick([
        literal,
        literal,
        literal,
        '.',
        `(${literal}|QZ)`,
        `${literal}{1,3}`,
        `${literal}+`,
        `${literal}q?`,
        /\w/.test(letter) ? '\\w' : literal,
        /[A-Za-z]/.test(letter) ? `[${letter}9]` : literal,
      ])
    })
    return { definition: `/${parts.join('')}/${ignoresCase ? 'i' : ''}`, offset: piece.offset }
  },
}

interface Piece {
  readonly bytes: Buffer
  readonly offset: number
}

/** A piece of the sample anywhere in it; null where it is too short or too monotonous. */
function cutOut(sample: Buffer, length: number, random: Random): Piece | null {
  if (sample.length < length) return null
  for (let tries = 0; tries < 20; tries++) {
    const offset = random.below(sample.length - length + 1)
    const bytes = sample.subarray(offset, offset + length)
    if (new Set(bytes).size >= 4) return { bytes, offset }
  }
  return null
}

/** The beginning of a run that fits the expression, looked for from a random place on. */
function cutRun(sample: Buffer, expression: RegExp, most: number, random: Random): Piece | null {
  const from = random.below(sample.length)
  for (const start of [from, 0]) {
    expression.lastIndex = 0
    const found = expression.exec(sample.toString('latin1', start, start + 200_000))
    if (found === null || new Set(found[0]).size < 4) continue
    const offset = start + found.index
    return { bytes: sample.subarray(offset, offset + Math.min(most, found[0].length)), offset }
  }
  return null
}

function anyCase(bytes: Buffer, random: Random): Buffer {
  const cased = bytes.map((byte) => {
    const upper = byte & 0xdf
    return upper >= 0x41 && upper <= 0x5a && random.once(2) ? byte ^ 0x20 : byte
  })
  return Buffer.from(cased)
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[A-Za-z0-9 _.,:;/-]/.test(letter) ? letter : `\\x${hex(byte)}`
  }).join('')
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase()
