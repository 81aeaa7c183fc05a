/**
 * What the engine's modules know about the bytes of a file, as far as it follows from how they read it.
 *
 * - The fields of `pe`, `dotnet`, `elf` and `macho` have a value only when the parser accepted the file, and the first
 *   thing each parser looks at is the magic number at offset 0. So `pe.entry_point == 5` demands an MZ header.
 *   Exceptions, which have a value for every file: constants (all in capitals), `is_pe` and `is_dotnet`, array methods,
 *   and the functions that answer "no" for a file of another kind, such as `pe.imports("x.dll")`.
 * - `pe.signatures[i].serial` is the serial number of a certificate, printed from the bytes of a DER integer in the
 *   file. Whatever it is equal to, its bytes are in the file, one after the other. So are the letters of its subject.
 *   Of the signers themselves the index knows the numbers.
 * - Names of sections, exported names, names of imported libraries and functions, and the path of debug symbols are bytes
 *   as they stand in the file; the values of `pe.version_info` are UTF-16LE there. A function that is imported by its
 *   number may get its name from the engine.
 * - `dotnet.guids[i]` are 16 bytes that stand in the file.
 * - `hash.sha256(0, filesize)` is the digest that the index stores.
 *
 * What a header says is in programs.ts.
 *
 * `test/planner/module-facts.test.ts` holds each of these against the engine.
 */
import type { Comparison, Expression, TextOperation } from '../yara/index.ts'
import { allOf, always, anyOf, factPlan, may, never, sizePlan } from './algebra.ts'
import { type Field, fieldOf, textOf } from './fields.ts'
import { GRAM_BYTES, gramsPlanOf } from './grams.ts'
import type { Plan } from './plan.ts'
import { programTrue } from './programs.ts'
import { foldedText } from './required-literals.ts'
import { resolved, type Scope } from './scope.ts'

/** Grams of one value. */
const MAX_GRAMS = 20

/** A DOS header is 64 bytes long and starts with `MZ`. */
const portableExecutable = allOf([
  factPlan({ kind: 'integer', offset: 0, width: 2, signed: false, bigEndian: false, min: 0x5a4d, max: 0x5a4d }),
  sizePlan(64, Number.POSITIVE_INFINITY),
])

/**
 * A signature is read only when it is a PKCS #7 SignedData (OID 1.2.840.113549.1.7.2) of an Authenticode digest
 * (1.3.6.1.4.1.311.2.1.4) and the signer vouches for the digest's type and value (1.2.840.113549.1.9.3 and .4).
 */
const signedExecutable = allOf([
  portableExecutable,
  ...['2b060104018237020104', '2a864886f70d010702', '2a864886f70d010903', '2a864886f70d010904'].map((oid) =>
    literalDemand('pe.signatures[]', Buffer.from(oid, 'hex')),
  ),
])

/** The metadata of a .NET program begin with `BSJB` (ECMA-335, II.24.2.1). */
const dotnetExecutable = allOf([portableExecutable, literalDemand('dotnet', Buffer.from('BSJB', 'latin1'))])

const elfMagic = startsWith(0x7f454c46)

/** Either order of bytes. A fat one in the order that nothing writes is read as well. */
const machoMagic = anyOf(
  [0xfeedface, 0xcefaedfe, 0xfeedfacf, 0xcffaedfe, 0xcafebabe, 0xcafebabf, 0xbebafeca, 0xbfbafeca].map(startsWith),
)

interface Module {
  /** What a file must be like for the module's fields to have a value. */
  readonly magic: Plan
  /** Fields that have a value for every file; as a condition they are true only for the module's own. */
  readonly flags: readonly string[]
  /** Functions that have a value only where the fields have one. */
  readonly functions: readonly string[]
}

const modules: ReadonlyMap<string, Module> = new Map(
  Object.entries({
    pe: {
      magic: portableExecutable,
      flags: ['is_pe'],
      functions: [
        'is_32bit',
        'is_64bit',
        'is_dll',
        'rva_to_offset',
        'calculate_checksum',
        'section_index',
        'imphash',
        'import_rva',
        'delayed_import_rva',
        'exports_index',
      ],
    },
    dotnet: { magic: dotnetExecutable, flags: ['is_dotnet'], functions: [] },
    elf: { magic: elfMagic, flags: [], functions: ['telfhash'] },
    macho: { magic: machoMagic, flags: [], functions: [] },
  }),
)

/** A certificate, wherever it stands in a signature. */
const certificate = /^signatures\[\](\.(certificates|signer_info\.chain|countersignatures\[\]\.chain)\[\])?\.(\w+)$/

/** Texts of a program that stand in the file as they are, or with a zero after every character. */
const texts: ReadonlyMap<string, 'plain' | 'wide'> = new Map([
  ['sections[].name', 'plain'],
  ['sections[].full_name', 'plain'],
  ['pdb_path', 'plain'],
  ['dll_name', 'plain'],
  ['export_details[].name', 'plain'],
  ['version_info[]', 'wide'],
])

/** What must hold for a module's field or function to have a value. */
export function fieldDefined(expression: Expression, scope: Scope): Plan {
  const field = fieldOf(expression, scope)
  const module = field === null ? undefined : modules.get(field.module)
  if (field === null || module === undefined || module.flags.includes(field.path)) return always
  if (hasValueForEveryFile(field, module)) return always
  return field.module === 'pe' && field.path.startsWith('signatures[]') ? signedExecutable : module.magic
}

/** What must hold for a field or function to be true, standing as a condition of its own. */
export function fieldTrue(expression: Expression, scope: Scope): Plan {
  const field = fieldOf(expression, scope)
  const module = field === null ? undefined : modules.get(field.module)
  if (field === null || module === undefined) return always
  if (module.flags.includes(field.path)) return allOf([module.magic, programTrue(expression, scope) ?? always])
  if (field.module === 'pe') {
    if (field.path === 'exports()') return exportDemand(expression, scope)
    if (field.path === 'imports()') return importDemand(expression, scope)
    // They answer "no" for a file of another kind.
    if (field.path === 'locale()' || field.path === 'language()') return portableExecutable
  }
  return allOf([fieldDefined(expression, scope), programTrue(expression, scope) ?? always])
}

/** Libraries whose functions the engine knows by number, so that it names what stands in no program. */
const numbered = /^(ws2_32|wsock32|oleaut32)(\.|$)/i

/** `pe.imports("library", "function")`: names stand in the file, in capitals or not, unless a number stands for them. */
function importDemand(expression: Expression, scope: Scope): Plan {
  const call = resolved(expression, scope)
  const args = call.expression.kind === 'call' ? call.expression.args : []
  const texts = args.map((arg) => textOf(arg, call.scope))
  // The kind of import, a number, may come first.
  const first = texts.findIndex((text) => text !== null)
  const library = texts[first]
  if (first < 0 || first > 1 || typeof library !== 'string') return portableExecutable
  const name = texts[first + 1]
  const isNamed = typeof name === 'string' && !numbered.test(library) && !/^ord/i.test(name)
  return allOf([
    portableExecutable,
    asciiDemand('pe.imports()', library, 'plain'),
    ...(isNamed ? [asciiDemand('pe.imports()', name, 'plain')] : []),
  ])
}

/** `pe.exports("name")`: names are compared as they stand in the file. */
function exportDemand(expression: Expression, scope: Scope): Plan {
  const call = resolved(expression, scope)
  const [name] = call.expression.kind === 'call' ? call.expression.args : []
  const text = name === undefined ? null : textOf(name, call.scope)
  return text === null ? portableExecutable : allOf([portableExecutable, asciiDemand('pe.exports()', text, 'plain')])
}

/**
 * What must hold for a comparison of a field (on the left) with a text to be true; null when there is nothing to say.
 */
export function fieldComparisonDemand(
  operator: Comparison['operator'],
  left: Expression,
  right: Expression,
  scope: Scope,
): Plan | null {
  if (operator !== '==') return null
  const text = textOf(right, scope)
  if (text === null) return null
  const field = fieldOf(left, scope)
  return equalityDemand(left, text, scope) ?? (field === null ? null : storedTextDemand(field, text))
}

/** What must hold for `field iequals "text"` and its siblings to be true. */
export function textOperationDemand({ operator, left, right }: TextOperation, scope: Scope): Plan {
  const text = textOf(right, scope)
  if (text === null) return always
  if (operator === 'iequals') return equalityDemand(left, text, scope) ?? always
  // The engine's other operators without regard to case may know more cases than the index.
  if (operator !== 'contains' && operator !== 'startswith' && operator !== 'endswith') return always
  const field = fieldOf(left, scope)
  const name = certificateField(field)
  if (operator === 'contains' && (name === 'subject' || name === 'issuer')) {
    return nameDemand(`pe.signatures[].${name}`, text)
  }
  return field === null ? always : storedTextDemand(field, text)
}

function storedTextDemand({ module, path }: Field, text: string): Plan {
  const channel = module === 'pe' ? texts.get(path) : undefined
  return channel === undefined ? always : asciiDemand(`pe.${path}`, text, channel)
}

/** The part of the text before its first character that is not ASCII. */
function asciiDemand(label: string, text: string, channel: 'plain' | 'wide'): Plan {
  const ascii = /^[\0-\x7f]*/.exec(text)?.[0] ?? ''
  return ascii.length < GRAM_BYTES ? always : literalDemand(label, Buffer.from(ascii, 'latin1'), channel)
}

function equalityDemand(expression: Expression, text: string, scope: Scope): Plan | null {
  const field = fieldOf(expression, scope)
  if (field === null) return null
  if (certificateField(field) === 'serial') {
    const bytes = serialDemand(text)
    return field.path === 'signatures[].serial' ? allOf([signerPlan(text), ...(bytes === null ? [] : [bytes])]) : bytes
  }
  if (field.module === 'hash') return digestDemand(field.path, expression, text, scope)
  if (field.module === 'dotnet' && field.path === 'guids[]') return guidDemand(text)
  return null
}

/**
 * A GUID is printed as three little-endian numbers and eight bytes, which stand in the file one after the other, in the
 * stream that is named so. Rules that were copied by hand compare with texts that no GUID is printed as.
 */
function guidDemand(text: string): Plan {
  const parts = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(text)?.slice(1)
  if (parts === undefined) return never('no GUID is printed so')
  const bytes = parts.map((part, n) => (n < 3 ? Buffer.from(part, 'hex').reverse() : Buffer.from(part, 'hex')))
  const stream = literalDemand('dotnet.guids[]', Buffer.from('#GUID', 'latin1'))
  return allOf([stream, literalDemand('dotnet.guids[]', Buffer.concat(bytes))])
}

function certificateField(field: Field | null): string | null {
  return field?.module === 'pe' ? (certificate.exec(field.path)?.[3] ?? null) : null
}

/** What the engine says of every signature of a sample is in the index (its signers.ts). */
function signerPlan(serial: string): Plan {
  // The engine prints small letters; where the rule does not look at the case, neither may the plan.
  return factPlan({ kind: 'signer', serials: [serial.toLowerCase()] })
}

/**
 * `77:01:9a:08`: the file holds the bytes 77 01 9a 08. In front of them stands the last byte of the integer's length,
 * however many bytes the length was written in.
 */
function serialDemand(text: string): Plan | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(text)) return null
  const bytes = Buffer.from(text.replaceAll(':', ''), 'hex')
  return literalDemand('pe.signatures[].serial', Uint8Array.of(bytes.length & 0xff, ...bytes))
}

/**
 * A name is printed as `/C=US/O=Some Company`, each value as its bytes stand in the file. A text without `/` and `=`
 * lies within one value, or within a key, or, where one part of the name has several values, starts in a value and ends
 * in the next key. Keys, and the hexadecimal digits that stand for values of other kinds, have none but the characters
 * below; so what comes before the text's last other character is in a value.
 */
function nameDemand(label: string, text: string): Plan {
  if (/[/=]/.test(text)) return always
  const certain = /^[ -~]*[^\w.#-]/.exec(text)?.[0] ?? ''
  return certain.length < GRAM_BYTES ? always : literalDemand(label, Buffer.from(certain, 'latin1'))
}

function literalDemand(label: string, bytes: Uint8Array, channel: 'plain' | 'wide' = 'plain'): Plan {
  const text = Buffer.from(bytes).toString('latin1')
  const value = /^[ -~]+$/.test(text) ? JSON.stringify(text) : Buffer.from(bytes).toString('hex')
  const plan = gramsPlanOf(foldedText(bytes), channel, `${label} ${value}`, MAX_GRAMS)
  return plan ?? may(`the value of ${label} is too short for the index`)
}

const digestBytes = { md5: 16, sha1: 20, sha256: 32 } as const

/** `hash.sha256(0, filesize)`, the digest of the whole file. */
function digestDemand(path: string, expression: Expression, text: string, scope: Scope): Plan | null {
  const algorithm = (['md5', 'sha1', 'sha256'] as const).find((name) => path === `${name}()`)
  const call = resolved(expression, scope)
  if (algorithm === undefined || call.expression.kind !== 'call') return null
  const [from, length] = call.expression.args
  if (call.expression.args.length !== 2 || from === undefined || length === undefined) return null
  const start = resolved(from, call.scope).expression
  if (start.kind !== 'integer' || start.value !== 0n) return null
  if (resolved(length, call.scope).expression.kind !== 'filesize') return null
  const digest = Buffer.from(text, 'hex')
  if (digest.length !== digestBytes[algorithm] || text.length !== 2 * digest.length) return null
  return factPlan({ kind: 'hash', algorithm, digest: Uint8Array.from(digest) })
}

function hasValueForEveryFile({ path }: Field, module: Module): boolean {
  if (path === '' || /^[A-Z0-9_]+$/.test(path)) return true
  if (!path.includes('(')) return false
  return !module.functions.some((name) => path === `${name}()`)
}

function startsWith(magic: number): Plan {
  return factPlan({ kind: 'integer', offset: 0, width: 4, signed: false, bigEndian: true, min: magic, max: magic })
}
