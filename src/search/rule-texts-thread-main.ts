/** The thread of `rule-texts.ts`. */
import { parentPort } from 'node:worker_threads'

export type ToRuleTexts =
  | { readonly text: HeldText }
  | { readonly drop: readonly number[] }
  | { readonly asked: number; readonly part: string; readonly ids: readonly number[]; readonly most: number }

export interface HeldText {
  readonly id: number
  readonly content: string
  /** Names of the rules in it. */
  readonly rules: readonly string[]
}

/** A line with what was searched for. */
export interface FoundLine {
  readonly id: number
  /** In which rule; null outside of all. */
  readonly rule: string | null
  /** From 1. */
  readonly line: number
  /** The line, or what is around the place in a long one. */
  readonly text: string
}

export interface FoundInTexts {
  readonly asked: number
  /** Rules with it in their names: the line is that of the name. */
  readonly rules: readonly FoundLine[]
  /** Lines with it, up to three of a text; the names of rules left out. */
  readonly lines: readonly FoundLine[]
}

const LINES_OF_A_TEXT = 3
/** Characters of a line that are shown. */
const SHOWN = 160
/** Rules that are looked at for the one that a line is in. */
const MOST_STEPS_BACK = 10_000

const held = new Map<number, HeldText>()

parentPort?.on('message', (message: ToRuleTexts) => {
  if ('text' in message) held.set(message.text.id, message.text)
  else if ('drop' in message) for (const id of message.drop) held.delete(id)
  else parentPort?.postMessage(find(message))
})

function find({ asked, part, ids, most }: Extract<ToRuleTexts, { asked: number }>): FoundInTexts {
  const rules: FoundLine[] = []
  const lines: FoundLine[] = []
  const small = part.toLowerCase()
  const place = new RegExp(RegExp.escape(part), 'giu')
  for (const id of ids) {
    const text = held.get(id)
    if (!text) continue
    for (const rule of text.rules) {
      if (rules.length >= most) break
      if (rule.toLowerCase().includes(small)) rules.push({ id, rule, ...lineAt(text.content, placeOfRule(text, rule)) })
    }
    if (lines.length < most) lines.push(...linesOf(text, place).slice(0, most - lines.length))
    if (rules.length >= most && lines.length >= most) break
  }
  return { asked, rules, lines }
}

function linesOf(text: HeldText, place: RegExp): FoundLine[] {
  const found: FoundLine[] = []
  const names = new Set(text.rules)
  let after = 0
  while (found.length < LINES_OF_A_TEXT) {
    place.lastIndex = after
    const hit = place.exec(text.content)
    if (hit === null) break
    const end = text.content.indexOf('\n', hit.index)
    after = end < 0 ? text.content.length : end + 1
    if (!isInName(text.content, hit.index)) {
      found.push({ id: text.id, rule: ruleAt(text.content, names, hit.index), ...lineAt(text.content, hit.index) })
    }
  }
  return found
}

/** Whether what stands before the place is `rule` and the beginning of a name. */
const isInName = (content: string, at: number): boolean =>
  /\brule\s+\w*$/.test(content.slice(Math.max(0, at - 200), at))

function placeOfRule({ content }: HeldText, rule: string): number {
  return new RegExp(`\\brule\\s+${RegExp.escape(rule)}\\b`).exec(content)?.index ?? 0
}

/** The last rule that begins before the place. */
function ruleAt(content: string, names: ReadonlySet<string>, at: number): string | null {
  const head = /rule\s+(\w+)/y
  let before = at
  for (let step = 0; step < MOST_STEPS_BACK && before > 0; step++) {
    before = content.lastIndexOf('rule', before - 1)
    if (before < 0) return null
    head.lastIndex = before
    const name = head.exec(content)?.[1]
    if (name !== undefined && names.has(name)) return name
  }
  return null
}

function lineAt(content: string, at: number): { readonly line: number; readonly text: string } {
  let line = 1
  for (let end = content.indexOf('\n'); end >= 0 && end < at; end = content.indexOf('\n', end + 1)) line++
  const start = at === 0 ? 0 : content.lastIndexOf('\n', at - 1) + 1
  const end = content.indexOf('\n', at)
  const whole = content.slice(start, end < 0 ? content.length : end)
  if (whole.trim().length <= SHOWN) return { line, text: whole.trim() }
  const from = Math.max(0, at - start - SHOWN / 4)
  const shown = whole
    .slice(from, from + SHOWN)
    .toWellFormed()
    .trim()
  return { line, text: `${from > 0 ? '…' : ''}${shown}${from + SHOWN < whole.length ? '…' : ''}` }
}
