/** A message in plain sentences, for what people read: chats and mails. Nothing in them is markup. */
import type { NotificationEvent } from '../store/index.ts'
import { countOf, type Message, rulesOf } from './message.ts'

export interface Worded {
  readonly title: string
  readonly lines: readonly string[]
}

const MOST_LINES = 20
const LONGEST_LINE = 500

export function wordsOf(message: Message): Worded {
  const { events, counts, heldBack, isLastToday, channel } = message
  if (message.type === 'notifications.test') {
    return { title: 'A test of Backtrail', lines: [`Messages of the channel ${visible(channel.name)} arrive here.`] }
  }
  const lines = counts
    .filter(({ kind }) => kind === 'match' && counts.length > 1)
    .slice(0, MOST_LINES)
    .map(({ ruleset, count }) => `${visible(ruleset ?? '')}: ${plural(count, 'match', 'matches')}`)
  lines.push(...events.slice(0, MOST_LINES).map(lineOf))
  const counted = counts.reduce((sum, { count }) => sum + count, 0)
  const more = counted - Math.min(events.length, MOST_LINES)
  if (more > 0) lines.push(`And ${more.toLocaleString('en')} more.`)
  if (heldBack === 'muted') lines.push('This was held back while the channel was muted.')
  if (heldBack === 'daily-limit') lines.push('This was held back because the daily limit was reached.')
  if (isLastToday)
    lines.push('The daily limit is reached: what else happens today comes in one message tomorrow (UTC).')
  return { title: titleOf(message), lines: lines.map((line) => line.slice(0, LONGEST_LINE)) }
}

function titleOf(message: Message): string {
  const { counts, events } = message
  const [first] = events
  const parts: string[] = []
  const matches = countOf(message, 'match')
  const rulesets = counts.filter(({ kind }) => kind === 'match')
  if (matches > 0) {
    const whose = rulesets.length === 1 ? visible(rulesets[0]?.ruleset ?? '') : `${rulesets.length} rulesets`
    parts.push(`${plural(matches, 'new match', 'new matches')} of ${whose}`)
  }
  for (const [kind, one, many] of [
    ['local-retro', 'Local Retro run ended', 'Local Retro runs ended'],
    ['hunt', 'hunt ended', 'hunts ended'],
    ['suspension', 'ruleset suspended', 'rulesets suspended'],
  ] as const) {
    const count = countOf(message, kind)
    if (count > 0) parts.push(plural(count, one, many))
  }
  return parts.length === 1 && first && first.kind !== 'match' && events.length === 1
    ? lineOf(first).slice(0, 200)
    : parts.join(', ').slice(0, 200)
}

function lineOf(event: NotificationEvent): string {
  const { ruleset, sample, hunt, detail } = event
  switch (event.kind) {
    case 'match':
      return `${visible(ruleset ?? '')} / ${rulesOf(event).join(', ')}: ${sample?.sha256 ?? sample?.sha1 ?? ''} ${visible(sample?.name ?? '')}`
    case 'local-retro':
      return `Local Retro ${endOf(hunt)}: ${plural(hunt?.matches ?? 0, 'new match', 'new matches')}`
    case 'hunt':
      return `Hunt ${visible(hunt?.title ?? `number ${hunt?.id}`)} ${endOf(hunt)}: ${plural(hunt?.matches ?? 0, 'match', 'matches')}`
    case 'suspension':
      return `The ruleset ${visible(ruleset ?? '')} does not run any more: ${visible(detail ?? '')}`
  }
}

function endOf(hunt: NotificationEvent['hunt']): string {
  if (hunt?.state === 'failed') return 'failed'
  return hunt?.state === 'stopped' ? 'was stopped' : 'has ended'
}

function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** Names are a stranger's: what cannot be seen, or turns the direction of a text, is shown as one sign. */
function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd')
}
