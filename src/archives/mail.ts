/**
 * What is in a mail: its texts and its attachments, decoded. Mails in mails come out as mails, to be opened in their
 * turn; a mailbox of Unix comes out as its mails.
 */
import { contentOf, type MimePart, mimeParts } from './mime.ts'

export interface MailPart {
  readonly name: () => string
  /** Decodes it. */
  readonly read: () => Buffer
}

/** Larger ones are not opened: a mail is parsed in memory. */
export const LARGEST_MAIL = 128 * 1024 * 1024

const SEPARATOR = /^From \S+.*\d{2}:\d{2}.*\d{4}/

/** A line of a mailbox that begins a mail. */
export function isMailbox(bytes: Buffer): boolean {
  return SEPARATOR.test(bytes.toString('latin1', 0, 200))
}

/** The mails of a mailbox, at most `most`, without copying. */
export function mailsIn(bytes: Buffer, most: number): MailPart[] {
  const mails: MailPart[] = []
  let begin = afterLine(bytes, 0)
  while (begin < bytes.length && mails.length < most) {
    let next = bytes.indexOf('\nFrom ', begin, 'latin1')
    while (next >= 0 && !SEPARATOR.test(bytes.toString('latin1', next + 1, next + 201)))
      next = bytes.indexOf('\nFrom ', next + 6, 'latin1')
    const end = next < 0 ? bytes.length : next + 1
    const mail = bytes.subarray(begin, end)
    const name = `message-${mails.length + 1}.eml`
    mails.push({ name: () => name, read: () => mail })
    begin = next < 0 ? bytes.length : afterLine(bytes, next + 1)
  }
  return mails
}

function afterLine(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(10, at)
  return end < 0 ? bytes.length : end + 1
}

/**
 * Every part that has a name or is no text, with exactly its bytes; and texts that do not stand in the mail as they are,
 * since they would only be there twice. At most `most`.
 */
export function partsOfMail(mail: Buffer, most: number): MailPart[] {
  const parts: MailPart[] = []
  let attachments = 0
  const texts = new Map<string, number>()
  for (const part of mimeParts(mail)) {
    if (parts.length >= most) break
    const read = () => contentOf(mail, part)
    if (!isText(part)) {
      const usual = `attachment-${++attachments}${suffixOf(part.type)}`
      parts.push({ name: () => part.name() || usual, read })
      continue
    }
    if (part.encoding === null || !showsMore(mail, part)) continue
    const suffix = suffixOf(part.type)
    const nth = (texts.get(suffix) ?? 0) + 1
    texts.set(suffix, nth)
    const name = nth === 1 ? `message${suffix}` : `message-${nth}${suffix}`
    parts.push({ name: () => name, read })
  }
  return parts
}

/** What a mail program shows as the mail's own text. */
function isText({ type, isNamed, isAttachment }: MimePart): boolean {
  return !isNamed && !isAttachment && (type === 'text/plain' || type === 'text/html')
}

function showsMore(mail: Buffer, part: MimePart): boolean {
  const content = contentOf(mail, part)
  return content.some((byte) => byte > 0x20) && !content.equals(mail.subarray(part.from, part.to))
}

const suffixes: Readonly<Record<string, string>> = {
  'message/rfc822': '.eml',
  'text/html': '.html',
  'text/plain': '.txt',
  'text/calendar': '.ics',
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
}

function suffixOf(type: string): string {
  return suffixes[type] ?? ''
}
