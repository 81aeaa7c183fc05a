/**
 * A string definition as a plan: what a sample must hold for the string to occur in it.
 *
 * The required literals of the pattern are one thing, the forms they take in the file another. Each modifier makes its
 * own forms of the same literal, and the string may occur in any of them:
 *
 *     "MZ header" ascii   4d 5a 20 …                        plain grams
 *     "MZ header" wide    4d 00 5a 00 20 00 …               wide grams of the characters, plain grams of the bytes
 *     "MZ header" xor     4c 5b 21 … , 4f 58 22 … , …       plain grams for every key
 *     "MZ header" base64  TVogaGVhZGVy, 1aIGhlYWRlc, …      plain grams for each of the three alignments
 *
 * Folding comes last, after xor and base64: what the file holds is folded, not what the rule says. `fullword` says that
 * the words at the ends of a text end there. `private` and `nocase` change nothing here: the index is blind to case anyway.
 */
import type { HexToken, StringDefinition, TextString } from '../yara/index.ts'
import { allOf, anyOf, factPlan, may } from './algebra.ts'
import { base64Forms } from './base64.ts'
import { GRAM_BYTES, gramsPlanOf } from './grams.ts'
import type { Plan } from './plan.ts'
import { foldedText, type LiteralDemand, literalsOfHex, literalsOfRegexp, literalsOfText } from './required-literals.ts'
import type { TextBudget } from './scope.ts'

/** Grams of one literal; a random sample passes 16 rows that are half full once in 65,536 times. */
const MAX_GRAMS = 20
/** Grams of one literal among a few alternatives, and among many. */
const MAX_GRAMS_OF_FEW = 12
const MAX_GRAMS_OF_MANY = 8
/** What the literals of a set have in common is enough by itself when it has this many grams. */
const ENOUGH_GRAMS = 8
/** Bytes of a string that are looked up under each key of `xor`. */
const MAX_XOR_BYTES = 48
/** Below this many wide grams the plain grams of the same bytes are asked for as well. */
const FEW_WIDE_GRAMS = 8

/** A condition may speak of the same string many times. */
const planned = new WeakMap<StringDefinition, Plan>()

/** Why a string is not looked up although it could be. */
export const TOO_MANY_LITERALS = 'the strings of these rules take more forms together than are looked up'

/** Strings that were left out since those before them had used up the budget. */
const dropped = new WeakSet<StringDefinition>()

/** Whether the string is not looked up only because of the budget of its text. */
export function isDropped(definition: StringDefinition): boolean {
  return dropped.has(definition)
}

/**
 * What a sample must hold for the string to match anywhere in it; `may` tells why nothing can be said. The first to ask
 * about a string pays for its literals.
 */
export function stringPlan(definition: StringDefinition, budget: Pick<TextBudget, 'literals'> = ample): Plan {
  let plan = planned.get(definition)
  if (plan === undefined) {
    if (budget.literals > 0) plan = planOf(definition)
    else {
      dropped.add(definition)
      plan = may(`${shortened(definition.identifier)}: ${TOO_MANY_LITERALS}`)
    }
    budget.literals -= literalsIn(plan)
    planned.set(definition, plan)
  }
  return plan
}

const ample = { literals: Number.POSITIVE_INFINITY }

function literalsIn(plan: Plan): number {
  return 'parts' in plan ? plan.parts.reduce((sum, part) => sum + literalsIn(part), 0) : 1
}

/** Names of a hundred thousand letters are accepted, and stand in the label of every literal. */
export function shortened(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64)}…`
}

function planOf(definition: StringDefinition): Plan {
  const forms: Plan[] = []
  const { modifiers } = definition
  const identifier = shortened(definition.identifier)
  if (definition.kind === 'text' && (modifiers.base64 !== null || modifiers.base64wide !== null)) {
    forms.push(...base64Plans(definition))
  } else if (definition.kind === 'text' && modifiers.xor !== null) {
    forms.push(...xorPlans(definition, modifiers.xor))
  } else {
    if (modifiers.ascii || !modifiers.wide) forms.push(formPlan(definition, 'ascii', identifier))
    if (modifiers.wide) forms.push(formPlan(definition, 'wide', `${identifier} (wide)`))
  }
  const plan = anyOf(forms)
  return plan.kind === 'may' ? may(`${identifier}: ${whyUnindexable(definition)}`) : plan
}

/** What a sample must hold for the string to match at a constant offset: the above, and the bytes themselves. */
export function anchoredStringPlan(
  definition: StringDefinition,
  offset: number,
  budget: Pick<TextBudget, 'literals'> = ample,
): Plan {
  const images = imagesOf(definition)
  if (images === null) return stringPlan(definition, budget)
  const facts = images.map(({ value, mask }) => factPlan({ kind: 'bytes', offset, value, mask }))
  return allOf([anyOf(facts), stringPlan(definition, budget)])
}

/** The same at an offset from the entry point of a Windows program. */
export function entryStringPlan(
  definition: StringDefinition,
  offset: number,
  budget: Pick<TextBudget, 'literals'>,
): Plan {
  const images = imagesOf(definition)
  if (images === null) return stringPlan(definition, budget)
  const facts = images.map(({ value, mask }) => factPlan({ kind: 'entry', offset, value, mask }))
  return allOf([anyOf(facts), stringPlan(definition, budget)])
}

/** Why no gram stands for the string, in words; for a string whose plan is `may`. */
export function whyUnindexable(definition: StringDefinition): string {
  if (definition.kind === 'regexp' && definition.regexp.node === null) return 'the expression was not understood'
  const longest = longestLiteral(demandOf(definition))
  if (definition.kind !== 'text' && longest === 0) return 'no two fixed bytes stand side by side in every match'
  const what = definition.kind === 'text' ? 'the text' : 'its longest run of fixed bytes'
  const length = definition.kind === 'text' ? definition.bytes.length : longest
  return `${what} has ${length} ${length === 1 ? 'byte' : 'bytes'}, the index needs ${GRAM_BYTES}`
}

function longestLiteral(demand: LiteralDemand, known = new Map<LiteralDemand, number>()): number {
  let longest = known.get(demand)
  if (longest === undefined) {
    longest = measure(demand, known)
    known.set(demand, longest)
  }
  return longest
}

function measure(demand: LiteralDemand, known: Map<LiteralDemand, number>): number {
  switch (demand.kind) {
    case 'nothing':
      return 0
    case 'oneOf':
      return Math.min(...demand.literals.map((literal) => literal.length))
    case 'and':
      return demand.parts.reduce((most, part) => Math.max(most, longestLiteral(part, known)), 0)
    case 'or':
      return demand.parts.reduce(
        (least, part) => Math.min(least, longestLiteral(part, known)),
        Number.POSITIVE_INFINITY,
      )
  }
}

function demandOf(definition: StringDefinition): LiteralDemand {
  switch (definition.kind) {
    case 'text':
      return literalsOfText(definition.bytes)
    case 'hex':
      return literalsOfHex(definition.tokens)
    case 'regexp':
      return literalsOfRegexp(definition.regexp.node)
  }
}

type Encoding = 'ascii' | 'wide'

function formPlan(definition: StringDefinition, encoding: Encoding, label: string): Plan {
  if (definition.kind === 'text' && definition.modifiers.fullword)
    return literalPlan(foldedText(definition.bytes), encoding, label, MAX_GRAMS, true)
  return demandPlan(demandOf(definition), encoding, label)
}

function demandPlan(demand: LiteralDemand, encoding: Encoding, label: string): Plan {
  return demandPlanWithin(demand, encoding, label, new Map())
}

/** Repetitions put one part of a demand in many places: each is looked at once. */
function demandPlanWithin(
  demand: LiteralDemand,
  encoding: Encoding,
  label: string,
  known: Map<LiteralDemand, Plan>,
): Plan {
  let plan = known.get(demand)
  if (plan === undefined) {
    plan = makeDemandPlan(demand, encoding, label, (part) => demandPlanWithin(part, encoding, label, known))
    known.set(demand, plan)
  }
  return plan
}

function makeDemandPlan(
  demand: LiteralDemand,
  encoding: Encoding,
  label: string,
  planPart: (part: LiteralDemand) => Plan,
): Plan {
  switch (demand.kind) {
    case 'nothing':
      return may('nothing is fixed')
    case 'and':
      return allOf(demand.parts.map(planPart))
    case 'or':
      return anyOf(demand.parts.map(planPart))
    case 'oneOf':
      return setPlan(demand.literals, encoding, label)
  }
}

/**
 * One of the literals. What they have in common at their ends is asked for once; when that is much, what differs is
 * not asked for at all.
 */
function setPlan(set: readonly string[], encoding: Encoding, label: string): Plan {
  // Where one literal is part of another, asking for the shorter one is enough.
  const literals = set.filter((literal) => !set.some((other) => other !== literal && literal.includes(other)))
  const first = literals[0] as string
  if (literals.length === 1) return literalPlan(first, encoding, label, MAX_GRAMS)
  const shortest = Math.min(...literals.map((literal) => literal.length))
  let head = 0
  while (head < shortest && literals.every((literal) => literal[head] === first[head])) head++
  let tail = 0
  while (tail < shortest - head && literals.every((literal) => literal.at(-1 - tail) === first.at(-1 - tail))) tail++
  const common = [first.slice(0, head), first.slice(first.length - tail)].filter((part) => part.length >= GRAM_BYTES)
  const commonPlan = allOf(common.map((part) => literalPlan(part, encoding, label, MAX_GRAMS)))
  const grams = common.reduce((sum, part) => sum + part.length - GRAM_BYTES + 1, 0)
  if (grams >= ENOUGH_GRAMS) return commonPlan
  const limit = literals.length <= 4 ? MAX_GRAMS_OF_FEW : MAX_GRAMS_OF_MANY
  return allOf([commonPlan, anyOf(literals.map((literal) => literalPlan(literal, encoding, label, limit)))])
}

function literalPlan(literal: string, encoding: Encoding, label: string, limit: number, isWhole = false): Plan {
  if (encoding === 'ascii') return gramsPlan(literal, 'plain', label, limit, isWhole)
  const wide = gramsPlan(literal, 'wide', label, limit, isWhole)
  if (wide.kind === 'grams' && wide.grams.length >= FEW_WIDE_GRAMS) return wide
  return allOf([wide, gramsPlan(interleaved(literal), 'plain', label, limit)])
}

function gramsPlan(literal: string, channel: 'plain' | 'wide', label: string, limit: number, isWhole = false): Plan {
  return gramsPlanOf(literal, channel, label, limit, isWhole) ?? may('the literal is too short')
}

/** UTF-16LE of characters below 256, which is what `wide` makes of bytes. */
function interleaved(literal: string): string {
  let text = ''
  for (const character of literal) text += `${character}\0`
  return text
}

function xorPlans({ bytes: all, identifier: name, modifiers }: TextString, keys: { from: number; to: number }): Plan[] {
  const forms: Plan[] = []
  const identifier = shortened(name)
  // Its beginning tells it apart well enough: there are hundreds of forms of it.
  const bytes = all.subarray(0, MAX_XOR_BYTES)
  const wideBytes = interleavedBytes(bytes)
  for (let key = Math.max(0, keys.from); key <= Math.min(255, keys.to); key++) {
    const name = `xor 0x${key.toString(16).padStart(2, '0')}`
    if (modifiers.ascii || !modifiers.wide) {
      forms.push(gramsPlan(foldedText(xored(bytes, key)), 'plain', `${identifier} (${name})`, MAX_GRAMS_OF_FEW))
    }
    if (modifiers.wide) {
      const label = `${identifier} (wide ${name})`
      // Under a key other than 0 the zero bytes are zero no more, and the wide channel does not see the text.
      forms.push(
        key === 0
          ? literalPlan(foldedText(bytes), 'wide', label, MAX_GRAMS_OF_FEW)
          : gramsPlan(foldedText(xored(wideBytes, key)), 'plain', label, MAX_GRAMS_OF_FEW),
      )
    }
  }
  return forms
}

function base64Plans({ bytes, identifier: name, modifiers }: TextString): Plan[] {
  const identifier = shortened(name)
  const sources = modifiers.wide ? [interleavedBytes(bytes)] : [bytes]
  if (modifiers.wide && modifiers.ascii) sources.push(bytes)
  const forms: Plan[] = []
  for (const source of sources) {
    for (const [name, alphabet, encoding] of [
      ['base64', modifiers.base64, 'ascii'],
      ['base64wide', modifiers.base64wide, 'wide'],
    ] as const) {
      if (alphabet === null) continue
      const label = `${identifier} (${name})`
      for (const form of base64Forms(source, alphabet)) {
        const literal = foldedText(form)
        forms.push(encoding === 'ascii' ? gramsPlan(literal, 'plain', label, MAX_GRAMS) : openWidePlan(literal, label))
      }
    }
  }
  return forms
}

/** A wide literal whose last zero byte may be missing: the engine finds `base64wide` at the very end of a file so. */
function openWidePlan(literal: string, label: string): Plan {
  return allOf([
    gramsPlan(literal.slice(0, -1), 'wide', label, MAX_GRAMS),
    gramsPlan(interleaved(literal).slice(0, -1), 'plain', label, MAX_GRAMS_OF_MANY),
  ])
}

/** Bytes under a mask that every match starts with. */
interface Image {
  readonly value: Uint8Array
  readonly mask: Uint8Array
}

/** The forms in which the string starts, or null where they are not simply bytes. Together they cover every match. */
function imagesOf(definition: StringDefinition): Image[] | null {
  const { modifiers } = definition
  if (definition.kind === 'regexp' || modifiers.base64 !== null || modifiers.base64wide !== null) return null
  if (definition.kind === 'hex') return [hexImage(definition.tokens)]
  const texts: Uint8Array[] = []
  if (modifiers.ascii || !modifiers.wide) texts.push(definition.bytes)
  if (modifiers.wide) texts.push(interleavedBytes(definition.bytes))
  const keys = modifiers.xor ?? { from: 0, to: 0 }
  if (keys.from !== keys.to) return null
  return texts.map((text) => textImage(xored(text, keys.from), modifiers.nocase))
}

function textImage(bytes: Uint8Array, nocase: boolean): Image {
  const mask = bytes.map((byte) => (nocase && isLetter(byte) ? 0xdf : 0xff))
  return { value: bytes.map((byte, i) => byte & (mask[i] as number)), mask }
}

/** The tokens up to the first one whose length is not fixed. */
function hexImage(tokens: readonly HexToken[]): Image {
  const value: number[] = []
  const mask: number[] = []
  for (const token of tokens) {
    if (token.kind === 'byte') {
      value.push(token.negated ? 0 : token.value & token.mask)
      mask.push(token.negated ? 0 : token.mask)
    } else if (token.kind === 'jump' && token.to === token.from && token.from <= MAX_IMAGE) {
      for (let i = 0; i < token.from; i++) {
        value.push(0)
        mask.push(0)
      }
    } else break
    if (value.length > MAX_IMAGE) break
  }
  return { value: Uint8Array.from(value), mask: Uint8Array.from(mask) }
}

/** Bytes of a hex string's start that are worth comparing; the index stores no more of a sample's head. */
const MAX_IMAGE = 64

function isLetter(byte: number): boolean {
  const upper = byte & 0xdf
  return upper >= 0x41 && upper <= 0x5a
}

function xored(bytes: Uint8Array, key: number): Uint8Array {
  return key === 0 ? bytes : bytes.map((byte) => byte ^ key)
}

function interleavedBytes(bytes: Uint8Array): Uint8Array {
  const wide = new Uint8Array(bytes.length * 2)
  for (let i = 0; i < bytes.length; i++) wide[2 * i] = bytes[i] as number
  return wide
}
