/**
 * Cuts a mail into its parts (RFC 2045 to 2047, 2231), whose bytes are exactly what their transfer encoding gives:
 *
 *     Content-Type: multipart/mixed; boundary="b"     head: fields up to an empty line; a line that begins with a blank goes on
 *
 *     --b                                             a part begins: its own head, its body
 *     Content-Disposition: attachment; filename=a
 *
 *     body                                            the line break before the next boundary is not the body's
 *     --b--                                           the last part ends
 *
 * A part may be a multipart in its turn. A boundary that is further out ends all that is open within; so does the end of
 * the mail. Mails in mails are no parts of their own: they come out as they are. What nests deeper than `MOST_OPEN` is left as
 * one part. Each byte is looked at a bounded number of times.
 */
import { decodeWords } from 'postal-mime'
import { decodeNames } from './code-pages.ts'

export interface MimePart {
  /** In lower case: `text/plain`. */
  readonly type: string
  /** It is called something. */
  readonly isNamed: boolean
  /** Decodes the name of its file, which may take a millisecond; '' where it has none. */
  readonly name: () => string
  /** It says so itself. */
  readonly isAttachment: boolean
  readonly encoding: 'base64' | 'quoted-printable' | null
  /** Where it stands in the mail, encoded. */
  readonly from: number
  readonly to: number
}

/** Multiparts in multiparts. */
const MOST_OPEN = 64
/** Of a head and of a field in it, in bytes; what is longer counts as cut off. */
const LONGEST_HEAD = 1024 * 1024
const LONGEST_FIELD = 16 * 1024
const LONGEST_NAME = 512

const LF = 10
const CR = 13
const DASH = 0x2d

interface OpenMultipart {
  /** With the two dashes in front of it. */
  readonly boundary: Buffer
  readonly isDigest: boolean
}

/** The parts that are no multiparts, in their order. */
export function* mimeParts(mail: Buffer): Generator<MimePart> {
  const open: OpenMultipart[] = []
  let body = begin(mail, 0, open)
  let at = body.from
  for (;;) {
    const delimiter = nextDelimiter(mail, at, open)
    if (body.part !== null) yield { ...body.part, from: body.from, to: bodyEnd(mail, body.from, delimiter?.from) }
    if (delimiter === null) return
    open.length = delimiter.isLast ? delimiter.index : delimiter.index + 1
    body = delimiter.isLast ? { part: null, from: delimiter.to } : begin(mail, delimiter.to, open)
    at = body.from
  }
}

type Described = Omit<MimePart, 'from' | 'to'>

/** What has no head. */
const PLAIN: Described = { type: 'text/plain', isNamed: false, name: () => '', isAttachment: false, encoding: null }

/** Reads the head that begins there. Opens a multipart, whose part is null, as is that of what belongs to none. */
function begin(
  mail: Buffer,
  at: number,
  open: OpenMultipart[],
): { readonly part: Described | null; readonly from: number } {
  const { fields, end } = readHead(mail, at, open)
  if (fields.size === 0 && !open.at(-1)?.isDigest) return { part: PLAIN, from: end }
  const content = parseField(fields.get('content-type') ?? '')
  const disposition = parseField(fields.get('content-disposition') ?? '')
  const usual = open.at(-1)?.isDigest ? 'message/rfc822' : 'text/plain'
  const type = (content.value || usual).toLowerCase()
  const boundary = content.parameters.get('boundary') ?? ''
  if (type.startsWith('multipart/') && boundary !== '' && open.length < MOST_OPEN) {
    open.push({ boundary: Buffer.from(`--${boundary}`, 'latin1'), isDigest: type === 'multipart/digest' })
    return { part: null, from: end }
  }
  const encoding = fields.get('content-transfer-encoding') ?? ''
  const part: Described = {
    type,
    isNamed: isIn(disposition.parameters, 'filename') || isIn(content.parameters, 'name'),
    name: () => textOf(disposition.parameters, 'filename') || textOf(content.parameters, 'name'),
    isAttachment: disposition.value.toLowerCase() === 'attachment',
    encoding: /base64/i.test(encoding) ? 'base64' : /quoted-printable/i.test(encoding) ? 'quoted-printable' : null,
  }
  return { part, from: end }
}

interface Delimiter {
  /** Of the multipart that it belongs to. */
  readonly index: number
  readonly isLast: boolean
  readonly from: number
  readonly to: number
}

function nextDelimiter(mail: Buffer, at: number, open: readonly OpenMultipart[]): Delimiter | null {
  if (open.length === 0) return null
  // A body may begin with one.
  for (let from = at; from < mail.length; ) {
    const delimiter = delimiterAt(mail, from, open)
    if (delimiter !== null) return delimiter
    const next = mail.indexOf('\n--', from, 'latin1')
    if (next < 0) return null
    from = next + 1
  }
  return null
}

/** `from` is where a line begins. The innermost boundary that it has. */
function delimiterAt(mail: Buffer, from: number, open: readonly OpenMultipart[]): Delimiter | null {
  if (mail[from] !== DASH || mail[from + 1] !== DASH) return null
  for (let index = open.length - 1; index >= 0; index--) {
    const { boundary } = open[index] as OpenMultipart
    let at = from + boundary.length
    if (at > mail.length || mail[at - 1] !== boundary[boundary.length - 1] || boundary.compare(mail, from, at) !== 0)
      continue
    const isLast = mail[at] === DASH && mail[at + 1] === DASH
    if (isLast) at += 2
    while (at < mail.length && isBlank(mail[at])) at++
    if (mail[at] === CR) at++
    if (at >= mail.length || mail[at] === LF) return { index, isLast, from, to: Math.min(mail.length, at + 1) }
  }
  return null
}

/** `delimiter` is where the next one begins, whose line break is in front of it. */
function bodyEnd(mail: Buffer, from: number, delimiter: number | undefined): number {
  if (delimiter === undefined) return mail.length
  let end = delimiter
  if (end > from && mail[end - 1] === LF) end--
  if (end > from && mail[end - 1] === CR) end--
  return end
}

/** The fields that say what the content is, by their names in lower case, the first of each; and where the body begins. */
function readHead(
  mail: Buffer,
  from: number,
  open: readonly OpenMultipart[],
): { readonly fields: ReadonlyMap<string, string>; readonly end: number } {
  const fields = new Map<string, string>()
  let current: string | null = null
  let at = from
  while (at < mail.length && at - from < LONGEST_HEAD) {
    const newline = mail.indexOf(LF, at)
    const next = newline < 0 ? mail.length : newline + 1
    let end = newline < 0 ? mail.length : newline
    if (end > at && mail[end - 1] === CR) end--
    if (end === at) return { fields, end: next }
    // The empty line is missing.
    if (delimiterAt(mail, at, open) !== null) break
    const first = mail[at]
    if (isBlank(first)) {
      const before = current === null ? undefined : fields.get(current)
      if (current !== null && before !== undefined && before.length < LONGEST_FIELD) {
        fields.set(current, before + mail.toString('latin1', at, Math.min(end, at + LONGEST_FIELD)))
      }
    } else {
      current = null
      if (first === 0x43 || first === 0x63) {
        const line = mail.toString('latin1', at, Math.min(end, at + LONGEST_FIELD))
        const [, name, value] = /^(content-(?:type|disposition|transfer-encoding))[ \t]*:(.*)$/is.exec(line) ?? []
        const key = name?.toLowerCase()
        if (key !== undefined && value !== undefined && !fields.has(key)) {
          current = key
          fields.set(key, value)
        }
      }
    }
    at = next
  }
  return { fields, end: Math.min(at, mail.length) }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

interface Field {
  readonly value: string
  /** By their names in lower case, as they stand there; the first of each. */
  readonly parameters: ReadonlyMap<string, string>
}

/** `value; name=token; name="quoted \" text"`. */
function parseField(text: string): Field {
  const parameters = new Map<string, string>()
  const valueEnd = text.indexOf(';')
  const value = (valueEnd < 0 ? text : text.slice(0, valueEnd)).trim().split(/[\s(]/, 1)[0] ?? ''
  for (let at = valueEnd; at >= 0 && at < text.length; ) {
    // At a semicolon.
    const begin = at + 1
    const next = text.indexOf(';', begin)
    const end = next < 0 ? text.length : next
    const equals = text.slice(begin, end).indexOf('=')
    if (equals < 0) {
      at = end
      continue
    }
    const name = text
      .slice(begin, begin + equals)
      .trim()
      .toLowerCase()
    let from = begin + equals + 1
    while (text[from] === ' ' || text[from] === '\t') from++
    let content = ''
    if (text[from] === '"') {
      for (at = from + 1; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\' && at + 1 < text.length) at++
        content += text[at]
      }
      const behind = text.indexOf(';', at)
      at = behind < 0 ? text.length : behind
    } else {
      content = text.slice(from, end).trim()
      // A file name may have blanks though it should not.
      if (name === 'boundary') content = content.split(/\s/, 1)[0] ?? ''
      at = end
    }
    if (!parameters.has(name)) parameters.set(name, content)
  }
  return { value, parameters }
}

/** Whether a parameter is there, in one of the forms that `textOf` reads. */
function isIn(parameters: ReadonlyMap<string, string>, name: string): boolean {
  return [name, `${name}*`, `${name}*0`, `${name}*0*`].some((key) => parameters.get(key)?.trim())
}

/**
 * A parameter as text: in its pieces and with its character set (`name*0*=utf-8''a%20b; name*1=c`), or plain, with encoded
 * words as mail programs write them there.
 */
function textOf(parameters: ReadonlyMap<string, string>, name: string): string {
  const pieces: Buffer[] = []
  let charset: string | null = null
  const add = (stored: string) => {
    const [, label, rest] = /^([^']*)'[^']*'(.*)$/s.exec(pieces.length === 0 ? stored : '') ?? []
    charset ??= label ?? null
    const text = (rest ?? stored).replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    pieces.push(Buffer.from(text, 'latin1'))
  }
  const whole = parameters.get(`${name}*`)
  if (whole !== undefined) add(whole)
  for (let n = 0; whole === undefined; n++) {
    const encoded = parameters.get(`${name}*${n}*`)
    const plain = parameters.get(`${name}*${n}`)
    if (encoded !== undefined) add(encoded)
    else if (plain !== undefined) pieces.push(Buffer.from(plain, 'latin1'))
    else break
  }
  if (pieces.length > 0) return decoded(Buffer.concat(pieces).subarray(0, LONGEST_NAME), charset)
  return decodeWords(decoded(Buffer.from((parameters.get(name) ?? '').slice(0, LONGEST_NAME), 'latin1'), null))
}

function decoded(bytes: Buffer, charset: string | null): string {
  try {
    if (charset) return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    // An unknown character set, or another one than it says.
  }
  return decodeNames([bytes])[0] ?? ''
}

/** The bytes of a part. */
export function contentOf(mail: Buffer, { from, to, encoding }: MimePart): Buffer {
  const encoded = mail.subarray(from, to)
  if (encoding === 'base64') return fromBase64(encoded)
  if (encoding === 'quoted-printable') return fromQuotedPrintable(encoded)
  return encoded
}

const base64Values = new Int8Array(256).fill(-1)
for (const [value, letter] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  base64Values[letter.charCodeAt(0)] = value
}

/** Other characters are passed over; behind padding it begins anew, where Node ends. */
function fromBase64(encoded: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(Math.ceil((encoded.length * 3) / 4))
  let length = 0
  let bits = 0
  let held = 0
  for (const byte of encoded) {
    const value = base64Values[byte] as number
    if (value < 0) {
      if (byte === 0x3d) held = 0
      continue
    }
    bits = ((bits << 6) | value) & 0xffff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[length++] = (bits >>> held) & 0xff
    }
  }
  return bytes.subarray(0, length)
}

/** Line breaks stay as they are; blanks in front of them were added on the way (RFC 2045, 6.7). */
function fromQuotedPrintable(encoded: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(encoded.length)
  let length = 0
  /** Up to which no blanks can be taken away. */
  let firm = 0
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at] as number
    if (byte === LF || (byte === CR && encoded[at + 1] === LF)) {
      while (length > firm && isBlank(bytes[length - 1])) length--
    }
    if (byte !== 0x3d) {
      bytes[length++] = byte
      continue
    }
    const high = hexValue(encoded[at + 1])
    const low = hexValue(encoded[at + 2])
    if (high >= 0 && low >= 0) {
      bytes[length++] = high * 16 + low
      firm = length
      at += 2
      continue
    }
    let end = at + 1
    while (isBlank(encoded[end])) end++
    if (encoded[end] === CR && encoded[end + 1] === LF) end++
    if (encoded[end] === LF || end >= encoded.length) {
      firm = length
      at = end
    } else bytes[length++] = byte
  }
  while (length > firm && isBlank(bytes[length - 1])) length--
  return bytes.subarray(0, length)
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
