import { attempt, textOf, Unreadable } from './byte-reader.ts'
import { Der, type Element } from './der.ts'
import { MOST_NAME, MOST_SIGNERS, type Signer } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

const PKCS7 = 2
const HEADER_BYTES = 8
const MOST_ENTRIES = 16
/** A signature within one: older systems check the outer one. */
const MOST_LEVELS = 4

const OID = {
  signedData: '2a864886f70d010702',
  nestedSignature: '2b060104018237020401',
  commonName: '550403',
  organisation: '55040a',
} as const

/** DER tags. */
const INTEGER = 0x02
const FIRST_OPTIONAL = 0xa0
const SECOND_OPTIONAL = 0xa1

/**
 * Who signed a program: the certificate table has entries with their length (4), version (2) and kind (2), and a PKCS #7
 * SignedData in DER behind that. Whether a signature is valid is not looked at.
 */
export function readSigners(image: PeImage): Signer[] {
  const { reader } = image
  const directory = image.directory(DIRECTORY.certificates)
  // An offset in the file, unlike the other directories.
  if (directory === null || directory.size === 0) return []
  const table = reader.slice(directory.at, directory.size)
  const signers: Signer[] = []
  for (let at = 0, n = 0; at + HEADER_BYTES < table.length && n < MOST_ENTRIES; n++) {
    const length = table.readUInt32LE(at)
    if (length <= HEADER_BYTES || at + length > table.length) throw new Unreadable()
    if (table.readUInt16LE(at + 6) === PKCS7)
      signers.push(...signersOf(table.subarray(at + HEADER_BYTES, at + length), 0))
    at += (length + 7) & ~7
  }
  const known = new Map(signers.map((signer) => [`${signer.serial} ${signer.issuer} ${signer.subject}`, signer]))
  return [...known.values()].slice(0, MOST_SIGNERS)
}

/**
 * ContentInfo ::= SEQUENCE { type OID, [0] SignedData }
 * SignedData ::= SEQUENCE { version, digests SET, content SEQUENCE, [0] certificates, [1] lists, signers SET }
 */
function signersOf(bytes: Buffer, level: number): Signer[] {
  const der = new Der(bytes)
  const [type, content] = der.inside(der.first())
  if (type === undefined || content === undefined || der.hex(type) !== OID.signedData) throw new Unreadable()
  const parts = der.inside(der.inside(content)[0])
  const certificates = parts
    .filter(({ tag }) => tag === FIRST_OPTIONAL)
    .flatMap((set) => der.inside(set))
    .flatMap((one) => attempt(() => certificateOf(der, one)) ?? [])
  const infos = der.inside(parts.at(-1))
  return infos.flatMap((info) => {
    const [, issuerAndSerial, ...rest] = der.inside(info)
    const serial = der.inside(issuerAndSerial)[1]
    const of = serial && certificates.find((one) => one.serial === serialText(der, serial))
    const nested = level < MOST_LEVELS ? rest.filter(({ tag }) => tag === SECOND_OPTIONAL) : []
    const inner = nested.flatMap((attributes) => attempt(() => nestedIn(der, attributes, level)) ?? [])
    return of === undefined ? inner : [of, ...inner]
  })
}

/** Attribute ::= SEQUENCE { type OID, values SET } */
function nestedIn(der: Der, attributes: Element, level: number): Signer[] {
  return der.inside(attributes).flatMap((attribute) => {
    const [type, values] = der.inside(attribute)
    if (type === undefined || der.hex(type) !== OID.nestedSignature) return []
    return der.inside(values).flatMap((value) => signersOf(der.whole(value), level + 1))
  })
}

/** TBSCertificate ::= SEQUENCE { [0] version?, serial INTEGER, algorithm, issuer Name, validity, subject Name, … } */
function certificateOf(der: Der, certificate: Element): Signer {
  const fields = der.inside(der.inside(certificate)[0])
  const [serial, , issuer, , subject] = fields[0]?.tag === FIRST_OPTIONAL ? fields.slice(1) : fields
  if (serial?.tag !== INTEGER) throw new Unreadable()
  return { subject: nameOf(der, subject), issuer: nameOf(der, issuer), serial: serialText(der, serial) }
}

function serialText(der: Der, serial: Element): string {
  return (der.hex(serial).match(/../g) ?? []).join(':')
}

/** Name ::= SEQUENCE OF SET OF SEQUENCE { type OID, value }: the common name, else the organisation, else empty. */
function nameOf(der: Der, name: Element | undefined): string {
  const texts = new Map<string, string>()
  for (const set of der.inside(name)) {
    for (const pair of der.inside(set)) {
      const [type, value] = der.inside(pair)
      if (type !== undefined && value !== undefined) texts.set(der.hex(type), stringOf(der, value))
    }
  }
  return (texts.get(OID.commonName) ?? texts.get(OID.organisation) ?? '').slice(0, MOST_NAME)
}

const BMP_STRING = 0x1e

function stringOf(der: Der, value: Element): string {
  const bytes = der.content(value)
  if (value.tag !== BMP_STRING) return textOf(bytes)
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le')
}
