/**
 * The fields of the query language: the vendor's names where it has one, and ours. This list feeds the parser, the
 * suggestions of the web application, and a test that holds docs/api.md to it.
 */
import type { HashKind, NumberField, ProgramField, TextField } from './condition.ts'

export type FieldMeaning =
  | { readonly kind: 'hash'; readonly of: HashKind | 'any' | 'parent' }
  | { readonly kind: 'text'; readonly field: TextField }
  | { readonly kind: 'program'; readonly field: ProgramField }
  | { readonly kind: 'number' | 'bytes' | 'time'; readonly field: NumberField }
  | { readonly kind: 'classification' | 'stored' | 'tlsh' }

export interface QueryField {
  readonly name: string
  /** Other names of the same. */
  readonly aliases: readonly string[]
  readonly meaning: FieldMeaning
  /** One line for people. */
  readonly about: string
  readonly example: string
}

const text = (field: TextField): FieldMeaning => ({ kind: 'text', field })

const program = (field: ProgramField, aliases: readonly string[], about: string, example: string): QueryField => ({
  name: field,
  aliases,
  meaning: { kind: 'program', field },
  about,
  example: `${field}:${example}`,
})

export const fieldsOfQueries: readonly QueryField[] = [
  {
    name: 'hash',
    aliases: [],
    meaning: { kind: 'hash', of: 'any' },
    about: 'a digest of any kind, or its beginning',
    example: 'hash:44d88612*',
  },
  ...(['sha256', 'sha1', 'md5', 'sha512'] as const).map(
    (of): QueryField => ({
      name: of,
      aliases: [],
      meaning: { kind: 'hash', of },
      about: `the ${of.toUpperCase().replace('SHA', 'SHA-')}, or its beginning`,
      example: `${of}:44d88612*`,
    }),
  ),
  {
    name: 'tlsh',
    aliases: [],
    meaning: { kind: 'tlsh' },
    about: 'the TLSH of a program or a document, or its beginning',
    example: 'tlsh:T1B2A4*',
  },
  {
    name: 'parent',
    aliases: ['container'],
    meaning: { kind: 'hash', of: 'parent' },
    about: 'files that came out of the archive with this digest',
    example: 'parent:44d88612*',
  },
  {
    name: 'filename',
    aliases: ['name'],
    meaning: text('name'),
    about: 'any name it was seen under',
    example: 'filename:*.exe',
  },
  {
    name: 'folder',
    aliases: ['filepath'],
    meaning: text('folder'),
    about: 'a folder that it lay in',
    example: 'folder:*/Downloads',
  },
  { name: 'owner', aliases: [], meaning: text('owner'), about: 'the owner of the file', example: 'owner:root' },
  {
    name: 'sender',
    aliases: ['user', 'submitter'],
    meaning: text('sender'),
    about: 'the user who sent it',
    example: 'sender:ana',
  },
  {
    name: 'source',
    aliases: [],
    meaning: text('source'),
    about: 'how it came in: upload, ingest (from the data folder’s machine) or member (out of an archive)',
    example: 'source:ingest',
  },
  {
    name: 'sampletype',
    aliases: ['type', 'filetype'],
    meaning: text('type'),
    about: 'the file type or its first parts; PE has programs of 32 and of 64 bits, PE32 and PE32+ one of them',
    example: 'sampletype:PE/Exe',
  },
  {
    name: 'size',
    aliases: ['filesize'],
    meaning: { kind: 'bytes', field: 'size' },
    about: 'bytes; KB, MB and GB are 1,024 of the smaller',
    example: 'size:[10KB TO 1MB]',
  },
  {
    name: 'firstseen',
    aliases: ['first_seen'],
    meaning: { kind: 'time', field: 'firstseen' },
    about: 'when it was first seen: a date, or a time of ISO 8601 (UTC)',
    example: 'firstseen:>=2026-11-01',
  },
  {
    name: 'lastseen',
    aliases: ['last_seen'],
    meaning: { kind: 'time', field: 'lastseen' },
    about: 'when it was last seen',
    example: 'lastseen:[2026-11-01 TO 2026-11-07]',
  },
  {
    name: 'classification',
    aliases: ['class'],
    meaning: { kind: 'classification' },
    about: 'malicious, suspicious, goodware (or known), unknown',
    example: 'classification:malicious',
  },
  {
    name: 'riskscore',
    aliases: ['factor'],
    meaning: { kind: 'number', field: 'riskscore' },
    about: '0 to 10',
    example: 'riskscore:>=7',
  },
  {
    name: 'threatname',
    aliases: ['threat'],
    meaning: text('threat'),
    about: 'the name of the threat',
    example: 'threatname:*emotet*',
  },
  {
    name: 'tag',
    aliases: ['tag-user', 'tags'],
    meaning: text('tag'),
    about: 'a tag of users',
    example: 'tag:incident-7',
  },
  {
    name: 'ruleset',
    aliases: ['yara-ruleset'],
    meaning: text('ruleset'),
    about: 'a ruleset that it matches',
    example: 'ruleset:emotet',
  },
  {
    name: 'rule',
    aliases: ['yara-rule', 'tag-yara'],
    meaning: text('rule'),
    about: 'a rule that it matches',
    example: 'rule:Win32_*',
  },
  {
    name: 'filecount',
    aliases: [],
    meaning: { kind: 'number', field: 'filecount' },
    about: 'how many files came out of it',
    example: 'filecount:>0',
  },
  {
    name: 'available',
    aliases: [],
    meaning: { kind: 'stored' },
    about: 'true: its content is on this appliance',
    example: 'available:true',
  },
  program(
    'format',
    ['program'],
    'programs: PE32, PE32+, ELF32, ELF64, Mach-O 32, Mach-O 64, Mach-O universal',
    'ELF64',
  ),
  program('machine', ['architecture'], 'the processor of a program', 'x86-64'),
  {
    name: 'compiled',
    aliases: ['pe-timestamp', 'timestamp'],
    meaning: { kind: 'time', field: 'compiled' },
    about: 'when a program of Windows was compiled, as its header says',
    example: 'compiled:[2026-10-01 TO 2026-10-31]',
  },
  program('imphash', ['pe-imphash'], 'the hash of what a program of Windows imports', 'c1f8d8f5a5e9a3c4*'),
  program('rich-hash', ['richhash'], 'the MD5 of the clear data of its Rich header', '5d5b7a0e*'),
  program('pdb', ['pe-pdb', 'pdb-path'], 'where its linker wrote the symbols', '*\\\\implant\\\\*.pdb'),
  program('build-id', ['buildid'], 'GUID and age of the PDB, build id of an ELF, UUID of a Mach-O', '3f1e8a*'),
  program('section', ['pe-section-name'], 'the name of a section', 'UPX0'),
  program('import', ['pe-import', 'library'], 'a library that it imports', 'wininet.dll'),
  program('export', ['pe-export'], 'the name of a function that it exports', 'ServiceMain'),
  program('signer', ['cert-subject-name'], 'who signed it: the common name of the certificate', '"AND LLC"'),
  program('serial', ['cert-serial'], 'the serial number of the signer’s certificate', '"77:01:*"'),
  program('company', ['pe-company-name'], '`CompanyName` of its version', '"Example Ltd"'),
  program('product', ['pe-product-name'], '`ProductName` of its version', '*Updater*'),
  program('description', ['pe-description'], '`FileDescription` of its version', '*Service*'),
  program('original-name', ['pe-original-name'], '`OriginalFilename` of its version', 'update.exe'),
  program('dotnet-module', ['dotnet-module-name'], 'the name of the module of a .NET assembly', 'Client.exe'),
  program('mvid', ['dotnet-mvid'], 'the GUID of that module', '8f1d7c3a*'),
]

const byName = new Map(fieldsOfQueries.flatMap((field) => [field.name, ...field.aliases].map((name) => [name, field])))

export function fieldNamed(name: string): QueryField | null {
  return byName.get(name.toLowerCase()) ?? null
}

/** Names that somebody may have meant: those that begin alike, or hold the text. */
export function namesLike(name: string): string[] {
  const lower = name.toLowerCase()
  if (lower.length < 2) return []
  return [...byName.keys()]
    .filter((each) => each.startsWith(lower.slice(0, 3)) || (lower.length >= 3 && each.includes(lower)))
    .slice(0, 5)
}
