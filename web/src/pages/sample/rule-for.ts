/**
 * Where a fact of a program leads: the samples that have it too, by the query language, and a rule that asks for it.
 */

/** What of a program decides how a rule asks for its facts. */
interface Subject {
  readonly format: string
  readonly compiled: string | null
}

export interface Fact {
  /** A field of the query language. */
  readonly field: string
  readonly value: string
}

/** The list of samples that have it. */
export function samplesWith({ field, value }: Fact): string {
  return `/samples?${new URLSearchParams({ q: `${field}:"${value.replace(/[\\"*?]/g, '\\$&')}"` })}`
}

/** The workbench with the rule; null where no rule can ask for it. */
export function huntFor(fact: Fact, program: Subject): string | null {
  const text = ruleFor(fact, program)
  return text && `/workbench?${new URLSearchParams({ text })}`
}

/** A text of one rule; null where no rule can ask for it. */
export function ruleFor(fact: Fact, program: Subject): string | null {
  const asked = formOf(program)[fact.field]?.(fact.value)
  if (!asked) return null
  const { condition, strings = null } = asked
  const modules = ['pe', 'elf', 'macho', 'dotnet', 'hash'].filter((name) => new RegExp(`\\b${name}\\.`).test(condition))
  return [
    ...modules.map((name) => `import "${name}"`),
    ...(modules.length > 0 ? [''] : []),
    `rule same_${fact.field.replaceAll('-', '_')} {`,
    ...(strings ? ['  strings:', `    ${strings}`] : []),
    '  condition:',
    `    ${condition}`,
    '}',
    '',
  ].join('\n')
}

interface Asked {
  readonly condition: string
  readonly strings?: string
}

type Forms = Readonly<Record<string, (value: string) => Asked | null>>

function formOf({ format, compiled }: Subject): Forms {
  if (format.startsWith('ELF')) return elf
  if (format.startsWith('Mach-O')) return macho
  return {
    ...pe,
    compiled: () => (compiled === null ? null : { condition: `pe.timestamp == ${Date.parse(compiled) / 1_000}` }),
  }
}

const version =
  (name: string) =>
  (value: string): Asked => ({ condition: `pe.version_info["${name}"] == ${quoted(value)}` })

/** Conditions without strings, but for names that end where a text of another name may go on. */
const pe: Forms = {
  imphash: (value) => ({ condition: `pe.imphash() == "${value}"` }),
  'rich-hash': (value) => ({ condition: `hash.md5(pe.rich_signature.clear_data) == "${value}"` }),
  pdb: (value) => ({ condition: `pe.pdb_path == ${quoted(value)}` }),
  section: (value) => ({ condition: `for any section in pe.sections : (section.name == ${quoted(value)})` }),
  import: (value) => ({
    condition: `for any library in pe.import_details : (library.library_name iequals ${quoted(value)})`,
  }),
  export: (value) => ({ condition: `pe.exports(${quoted(value)})` }),
  signer: (value) => ({
    condition: `for any signature in pe.signatures : (signature.subject contains ${quoted(value)})`,
  }),
  serial: (value) => ({ condition: `for any signature in pe.signatures : (signature.serial == "${value}")` }),
  company: version('CompanyName'),
  product: version('ProductName'),
  description: version('FileDescription'),
  'original-name': version('OriginalFilename'),
  'dotnet-module': (value) => ({ condition: `dotnet.module_name == ${quoted(value)}` }),
  mvid: (value) => ({ condition: `for any guid in dotnet.guids : (guid == "${value}")` }),
}

const ELF = 'uint32(0) == 0x464c457f'

const elf: Forms = {
  section: (value) => ({ condition: `for any section in elf.sections : (section.name == ${quoted(value)})` }),
  // The engine does not say which libraries a program needs: their names lie between zero bytes.
  import: (value) => ({ strings: `$library = ${quoted(`\0${value}\0`)}`, condition: `${ELF} and $library` }),
  export: (value) => ({
    condition: `for any symbol in elf.dynsym : (symbol.name == ${quoted(value)} and symbol.shndx != 0)`,
  }),
  'build-id': (value) => ({ strings: `$id = { ${pairs(value)} }`, condition: `${ELF} and $id` }),
}

const macho: Forms = {
  section(value) {
    const [segment = '', section = ''] = value.split(',')
    const holds = `section.segname == ${quoted(segment)} and section.sectname == ${quoted(section)}`
    const inside = `for any segment in macho.segments : (for any section in segment.sections : (${holds}))`
    const ofPart = `for any part in macho.file : (${inside.replace('macho.segments', 'part.segments')})`
    return { condition: `${inside} or\n    ${ofPart}` }
  },
  import: (value) => ({
    condition:
      `for any dylib in macho.dylibs : (dylib.name == ${quoted(value)}) or\n` +
      `    for any part in macho.file : (for any dylib in part.dylibs : (dylib.name == ${quoted(value)}))`,
  }),
  export: (value) => ({ condition: `macho.has_export(${quoted(value)})` }),
  'build-id': (value) => ({ strings: `$id = { ${pairs(value.replaceAll('-', ''))} }`, condition: '$id' }),
}

const pairs = (digits: string): string => (digits.match(/../g) ?? []).join(' ')

/** A text of YARA; what is not printable ASCII is written as the bytes of UTF-8. */
function quoted(value: string): string {
  const bytes = new TextEncoder().encode(value)
  const written = [...bytes].map((byte) => {
    const character = String.fromCharCode(byte)
    if (character === '"' || character === '\\') return `\\${character}`
    return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${written.join('')}"`
}
