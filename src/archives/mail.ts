/**
 * What is in a mail: its texts and its attachments, decoded. Mails in mails come out as mails, to be opened in their
 * turn; a mailbox of Unix comes out as its mails.
 */
import PostalMime from 'postal-mime'

export interface MailPart {
  readonly name: Uint8Array
  readonly bytes: Buffer
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
    mails.push({ name: Buffer.from(`message-${mails.length + 1}.eml`), bytes: bytes.subarray(begin, end) })
    begin = next < 0 ? bytes.length : afterLine(bytes, next + 1)
  }
  return mails
}

function afterLine(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(10, at)
  return end < 0 ? bytes.length : end + 1
}

/** Rejects for what nests too deep, or has too many headers. */
export async function partsOfMail(bytes: Buffer): Promise<MailPart[]> {
  const mail = await PostalMime.parse(bytes, {
    forceRfc822Attachments: true,
    attachmentEncoding: 'arraybuffer',
    maxNestingDepth: 64,
  })
  const parts: MailPart[] = []
  const add = (name: string, content: Buffer) => parts.push({ name: Buffer.from(name), bytes: content })
  // A text that stands in the mail as it is would only be there twice.
  const addText = (name: string, text: string | undefined) => {
    if (text?.trim() && !bytes.includes(text.trim())) add(name, Buffer.from(text))
  }
  addText('message.txt', mail.text)
  addText('message.html', mail.html)
  for (const [index, { filename, mimeType, content }] of mail.attachments.entries()) {
    add(filename || `attachment-${index + 1}${suffixOf(mimeType)}`, bufferOf(content))
  }
  return parts
}

function bufferOf(content: ArrayBuffer | Uint8Array | string): Buffer {
  if (typeof content === 'string') return Buffer.from(content)
  return content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(content)
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
