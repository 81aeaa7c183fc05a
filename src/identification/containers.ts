import { compoundDirectory } from './compound-directory.ts'
import type { Head, Recognised } from './head.ts'

/**
 * A zip archive, or one of the formats that are zip archives inside: what they are shows in the names of the members,
 * of which the local headers in the head give the first ones.
 */
export function recogniseZip(head: Head): Recognised | null {
  if (!head.has('PK\x03\x04') && !head.has('PK\x05\x06') && !head.has('PK\x07\x08PK\x03\x04')) return null
  const names = firstMembers(head)
  const some = (start: string) => names.some((name) => name.startsWith(start))
  const archive = (fileType: string, description: string): Recognised => ({ fileType, description, isArchive: true })
  if (some('AndroidManifest.xml') || some('classes.dex')) return archive('Binary/Archive/APK', 'Android package')
  if (some('META-INF/MANIFEST.MF') || names[0]?.startsWith('META-INF/')) {
    return archive('Binary/Archive/JAR', 'Java archive')
  }
  if (some('[Content_Types].xml') || some('_rels/')) {
    if (some('word/')) return archive('Document/None/DOCX', 'Microsoft Word document (Office Open XML)')
    if (some('xl/')) return archive('Document/None/XLSX', 'Microsoft Excel workbook (Office Open XML)')
    if (some('ppt/')) return archive('Document/None/PPTX', 'Microsoft PowerPoint presentation (Office Open XML)')
  }
  if (names[0] === 'mimetype') {
    const type = head.text(38, 60)
    if (type.startsWith('application/vnd.oasis.opendocument.')) return archive('Document/None/ODF', 'OpenDocument file')
    if (type.startsWith('application/epub+zip')) return archive('Document/None/EPUB', 'EPUB book')
  }
  return archive('Binary/Archive/ZIP', 'Zip archive')
}

const MOST_MEMBERS = 64

function firstMembers(head: Head): string[] {
  const names: string[] = []
  let at = head.has('PK\x07\x08') ? 4 : 0
  while (names.length < MOST_MEMBERS && head.has('PK\x03\x04', at)) {
    const nameLength = head.u16(at + 26)
    names.push(head.text(at + 30, nameLength))
    // Members written to a stream tell their size only after their data: look for the next header instead.
    const packed = head.u32(at + 18)
    const next = at + 30 + nameLength + head.u16(at + 28) + packed
    at = head.has('PK\x03\x04', next) ? next : nextHeader(head, at + 4)
    if (at < 0) break
  }
  return names
}

function nextHeader(head: Head, from: number): number {
  const { buffer, byteOffset, byteLength } = head.bytes
  return Buffer.from(buffer, byteOffset, byteLength).indexOf('PK\x03\x04', from, 'latin1')
}

/** Names of streams in UTF-16LE, as they stand in a compound file's directory. */
const streams: readonly (readonly [name: string, fileType: string, description: string])[] = [
  ['WordDocument', 'Document/None/DOC', 'Microsoft Word document'],
  ['Workbook', 'Document/None/XLS', 'Microsoft Excel workbook'],
  ['Book', 'Document/None/XLS', 'Microsoft Excel workbook'],
  ['PowerPoint Document', 'Document/None/PPT', 'Microsoft PowerPoint presentation'],
  ['VisioDocument', 'Document/None/VSD', 'Microsoft Visio drawing'],
  ['__substg1.0_', 'Document/None/MSG', 'Microsoft Outlook message'],
]

/** The class of Windows Installer packages, {000C1084-0000-0000-C000-000000000046}, and of patches (…1086…). */
const installer = '\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46'

/** OLE compound file: old Office documents and Windows Installer packages. */
export function recogniseCompoundFile(head: Head): Recognised | null {
  if (!head.has('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return null
  const directory = compoundDirectory(head)
  const has = (text: string) => directory.includes(text) || head.find(text) >= 0
  const isInstaller = has(`\x84${installer}`) || has(`\x86${installer}`)
  if (isInstaller) return { fileType: 'Binary/Archive/MSI', description: 'Windows Installer package', isArchive: true }
  for (const [name, fileType, description] of streams) {
    if (!has([...name].map((character) => `${character}\0`).join(''))) continue
    return fileType.endsWith('/MSG') ? { fileType, description, isArchive: true } : { fileType, description }
  }
  return { fileType: 'Document/None/OLE', description: 'OLE compound file' }
}
