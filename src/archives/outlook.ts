/**
 * Attachments of Outlook messages. A message is a compound file, whose streams are properties: those of an attachment lie
 * in a folder of its own.
 *
 *     __attach_version1.0_#00000000/__substg1.0_37010102   the content
 *     __attach_version1.0_#00000000/__substg1.0_3707001F   its name, in UTF-16; with 001E in a code page
 *     __attach_version1.0_#00000000/__substg1.0_3704001F   its short name
 */
import { readFile } from 'node:fs/promises'
import { decodeNames } from './code-pages.ts'
import type { Member } from './member-files.ts'
import { memberName } from './member-name.ts'

const CONTENT = /^(.*)__substg1\.0_37010102$/i
/** The first one that is there and not empty counts. */
const NAMES = ['3707001F', '3704001F', '3707001E', '3704001E', '3001001F', '3001001E']
/** Of a name's stream; a longer one is none. */
const MOST_BYTES = 2_048

/** The members of a message, attachments by their own names. */
export async function withAttachmentNames(members: readonly Member[]): Promise<readonly Member[]> {
  const streams = new Map(members.map((member) => [member.name.toLowerCase(), member]))
  const named: Member[] = []
  for (const member of members) {
    const folder = CONTENT.exec(member.name)?.[1]
    const name = folder === undefined ? null : await nameIn(folder, streams)
    named.push(name === null ? member : { ...member, name })
  }
  return named
}

async function nameIn(folder: string, streams: ReadonlyMap<string, Member>): Promise<string | null> {
  for (const property of NAMES) {
    const stream = streams.get(`${folder}__substg1.0_${property}`.toLowerCase())
    if (stream === undefined || stream.size > MOST_BYTES) continue
    const bytes = await readFile(stream.path)
    const text = property.endsWith('1F') ? bytes.toString('utf16le') : (decodeNames([bytes])[0] ?? '')
    const name = memberName(
      text
        .replace(/\0.*$/s, '')
        .replace(/^.*[\\/]/s, '')
        .trim(),
    )
    if (name !== '') return name
  }
  return null
}
