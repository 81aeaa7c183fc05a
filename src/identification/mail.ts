import type { Head, Recognised } from './head.ts'

/** Header fields that only mails have, and those that many texts have. */
const ofMails = /^(from|received|return-path|message-id|delivered-to|dkim-signature|x-[\w-]*mailer): ?\S/im
const alsoOfMails = /^(to|cc|subject|date|mime-version|content-type|message-id|received|reply-to): ?\S/im
const separator = /^From \S+.*\d{2}:\d{2}.*\d{4}/

/** A mail as it is sent and kept (RFC 5322), or a mailbox of Unix. Its text may be in any code page. */
export function recogniseMail(head: Head): Recognised | null {
  const begin = head.has('\xef\xbb\xbf') ? 3 : 0
  const text = head.text(begin, 16_384)
  const isMailbox = separator.test(text)
  const fields = isMailbox ? text.slice(text.indexOf('\n') + 1) : text
  if (!/^[!-9;-~]{1,76}:[ \t\r\n]/.test(fields)) return null
  const headers = fields.split(/\r?\n\r?\n/, 1)[0] ?? ''
  if (!headers.split('\n').every((line) => /^([ \t]|[!-9;-~]{1,76}:|\r?$)/.test(line))) {
    // A header that is longer than what was looked at ends somewhere in a line.
    if (headers.length < text.length - 1) return null
  }
  if (!ofMails.test(headers) || !alsoOfMails.test(headers.replace(ofMails, ''))) return null
  const description = isMailbox ? 'Mailbox of e-mail messages' : 'E-mail message'
  return { fileType: 'Text/Email', description, isArchive: true }
}
