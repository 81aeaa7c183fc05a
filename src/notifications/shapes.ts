/** Messages in the shapes that their receivers understand. */
import type { ChannelKind } from '../store/index.ts'
import { type Message, standardBody } from './message.ts'
import { wordsOf } from './words.ts'

/** Of a header of Slack. */
const SLACK_HEADER = 150
/** Of a section of Slack. */
const SLACK_SECTION = 2_900

/** What is sent for a message, as text. */
export function bodyOf(kind: ChannelKind, message: Message, publicUrl: string): string {
  if (kind === 'slack') return JSON.stringify(slackBody(message, publicUrl))
  if (kind === 'teams') return JSON.stringify(teamsBody(message, publicUrl))
  if (kind === 'e-mail') return mailBody(message, publicUrl)
  return JSON.stringify(standardBody(message, publicUrl))
}

/**
 * https://docs.slack.dev/reference/block-kit. Names are a stranger's, so all of it is plain text; the short text for
 * notices of a device has its three special signs written out.
 */
function slackBody(message: Message, publicUrl: string): object {
  const { title, lines } = wordsOf(message)
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: false })
  const fallback = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return {
    text: fallback,
    mrkdwn: false,
    blocks: [
      { type: 'header', text: plain(title.slice(0, SLACK_HEADER)) },
      ...sections(lines).map((text) => ({ type: 'section', text: plain(text) })),
      ...(publicUrl === ''
        ? []
        : [{ type: 'actions', elements: [{ type: 'button', text: plain('Open Backtrail'), url: publicUrl }] }]),
    ],
  }
}

/** A card for a workflow of Teams (https://adaptivecards.io/explorer). A text run is no Markdown, a text block would be. */
function teamsBody(message: Message, publicUrl: string): object {
  const { title, lines } = wordsOf(message)
  const text = (run: object) => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', ...run }] })
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [text({ text: title, weight: 'Bolder', size: 'Medium' }), ...lines.map((line) => text({ text: line }))],
          ...(publicUrl !== '' && {
            actions: [{ type: 'Action.OpenUrl', title: 'Open Backtrail', url: publicUrl }],
          }),
        },
      },
    ],
  }
}

/** Plain text; the title is the subject. */
function mailBody(message: Message, publicUrl: string): string {
  const { lines } = wordsOf(message)
  const where = publicUrl === '' ? [] : ['', `${publicUrl}/`]
  const why = `You get this because of your channel ${message.channel.name} in Backtrail; its page “Notifications” has it.`
  return [...lines, ...where, '', '-- ', why, ''].join('\n')
}

/** Lines together, each text short enough. */
function sections(lines: readonly string[]): string[] {
  const texts: string[] = []
  for (const line of lines) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + line.length < SLACK_SECTION) texts[texts.length - 1] = `${last}\n${line}`
    else texts.push(line)
  }
  return texts
}
