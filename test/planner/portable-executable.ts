/**
 * Small executables for tests: just enough of a Windows or Linux program for the engine's modules to read its entry
 * point and, for Windows, the certificate that it was signed with. The signature is well-formed but signs nothing.
 */

/** File offset at which the entry point lies, and where the caller's bytes start. */
export const ENTRY_OFFSET = 0x400

export interface Certificate {
  /** The serial number's bytes as they stand in the DER integer. */
  readonly serial: Uint8Array
  /** The common name of the subject. */
  readonly subject: string
  /** Seconds since 1970. */
  readonly notAfter: number
  /** Writes the length of the serial number in one byte more than it needs, as BER allows and DER does not. */
  readonly longSerialLength?: boolean
}

/** A 32-bit program whose entry point is the first byte of `body`, signed with each certificate in turn. */
export function portableExecutable(body: Uint8Array, certificate: Certificate | null): Uint8Array {
  const table = certificate === null ? new Uint8Array(0) : certificateTable(certificate)
  const bodyEnd = Math.ceil((ENTRY_OFFSET + body.length) / 512) * 512
  const file = Buffer.alloc(bodyEnd + table.length)
  file.write('MZ', 0, 'latin1')
  file.writeUInt32LE(0x80, 0x3c)
  const pe = 0x80
  file.write('PE\0\0', pe, 'latin1')
  file.writeUInt16LE(0x14c, pe + 4) // machine
  file.writeUInt16LE(1, pe + 6) // sections
  file.writeUInt16LE(0xe0, pe + 20) // size of the optional header
  file.writeUInt16LE(0x102, pe + 22) // characteristics
  const optional = pe + 24
  file.writeUInt16LE(0x10b, optional)
  file.writeUInt32LE(0x1000, optional + 16) // entry point
  file.writeUInt32LE(0x400000, optional + 28) // image base
  file.writeUInt32LE(0x1000, optional + 32) // section alignment
  file.writeUInt32LE(0x200, optional + 36) // file alignment
  file.writeUInt32LE(0x10000, optional + 56) // size of image
  file.writeUInt32LE(ENTRY_OFFSET, optional + 60) // size of headers
  file.writeUInt16LE(2, optional + 68) // subsystem
  file.writeUInt32LE(16, optional + 92) // directory entries
  if (certificate !== null) {
    file.writeUInt32LE(bodyEnd, optional + 96 + 4 * 8)
    file.writeUInt32LE(table.length, optional + 96 + 4 * 8 + 4)
  }
  const section = optional + 0xe0
  file.write('.text', section, 'latin1')
  file.writeUInt32LE(bodyEnd - ENTRY_OFFSET, section + 8)
  file.writeUInt32LE(0x1000, section + 12)
  file.writeUInt32LE(bodyEnd - ENTRY_OFFSET, section + 16)
  file.writeUInt32LE(ENTRY_OFFSET, section + 20)
  file.writeUInt32LE(0x60000020, section + 36)
  file.set(body, ENTRY_OFFSET)
  file.set(table, bodyEnd)
  return file
}

/** A 32-bit program that imports functions of one library, by name or by number. */
export function importingExecutable(library: string, functions: readonly (string | number)[]): Uint8Array {
  const body = Buffer.alloc(0x400)
  const rva = (at: number) => 0x1000 + at
  const [descriptors, lookups, addresses] = [0x40, 0x80, 0x100]
  let free = 0x180
  const text = (value: string) => {
    const at = free
    body.write(value, at, 'latin1')
    free += value.length + 1
    return rva(at)
  }
  for (const [n, name] of functions.entries()) {
    // A name stands behind two bytes of a hint.
    const thunk = typeof name === 'number' ? 0x80000000 + name : rva(free)
    if (typeof name === 'string') {
      free += 2
      text(name)
    }
    body.writeUInt32LE(thunk, lookups + 4 * n)
    body.writeUInt32LE(thunk, addresses + 4 * n)
  }
  body.writeUInt32LE(rva(lookups), descriptors)
  body.writeUInt32LE(text(library), descriptors + 12)
  body.writeUInt32LE(rva(addresses), descriptors + 16)
  const file = Buffer.from(portableExecutable(body, null))
  const optional = 0x80 + 24
  file.writeUInt32LE(rva(descriptors), optional + 96 + 8)
  file.writeUInt32LE(40, optional + 96 + 12)
  return file
}

/** A 32-bit program for .NET with one GUID: its header, and a metadata root whose one stream holds the GUID. */
export function dotnetExecutable(guid: Uint8Array): Uint8Array {
  const body = Buffer.alloc(0x200)
  const root = 0x80
  body.writeUInt32LE(72, 0)
  body.writeUInt16LE(2, 4)
  body.writeUInt16LE(5, 6)
  body.writeUInt32LE(0x1000 + root, 8)
  body.writeUInt32LE(0x100, 12)
  body.write('BSJB', root, 'latin1')
  body.writeUInt16LE(1, root + 4)
  body.writeUInt16LE(1, root + 6)
  body.writeUInt32LE(12, root + 12)
  body.write('v4.0.30319', root + 16, 'latin1')
  body.writeUInt16LE(1, root + 30) // streams
  body.writeUInt32LE(0x40, root + 32)
  body.writeUInt32LE(guid.length, root + 36)
  body.write('#GUID', root + 40, 'latin1')
  body.set(guid, root + 0x40)
  const file = Buffer.from(portableExecutable(body, null))
  const optional = 0x80 + 24
  file.writeUInt32LE(0x1000, optional + 96 + 14 * 8)
  file.writeUInt32LE(72, optional + 96 + 14 * 8 + 4)
  return file
}

/** A 32-bit little-endian ELF program whose entry point is the first byte of `body`. */
export function elfExecutable(body: Uint8Array): Uint8Array {
  const file = Buffer.alloc(ENTRY_OFFSET + body.length)
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  file.writeUInt16LE(2, 16) // executable
  file.writeUInt16LE(3, 18) // 386
  file.writeUInt32LE(1, 20)
  file.writeUInt32LE(0x8048000 + ENTRY_OFFSET, 24) // entry point
  file.writeUInt32LE(52, 28) // program headers
  file.writeUInt16LE(52, 40)
  file.writeUInt16LE(32, 42)
  file.writeUInt16LE(1, 44)
  const segment = 52
  file.writeUInt32LE(1, segment) // PT_LOAD
  file.writeUInt32LE(0, segment + 4)
  file.writeUInt32LE(0x8048000, segment + 8)
  file.writeUInt32LE(0x8048000, segment + 12)
  file.writeUInt32LE(file.length, segment + 16)
  file.writeUInt32LE(file.length, segment + 20)
  file.writeUInt32LE(5, segment + 24)
  file.writeUInt32LE(0x1000, segment + 28)
  file.set(body, ENTRY_OFFSET)
  return file
}

function certificateTable(certificate: Certificate): Uint8Array {
  const signature = signedData(certificate)
  const length = Math.ceil((8 + signature.length) / 8) * 8
  const table = Buffer.alloc(length)
  table.writeUInt32LE(length, 0)
  table.writeUInt16LE(0x0200, 4)
  table.writeUInt16LE(2, 6)
  table.set(signature, 8)
  return table
}

// -------------------------------------------------------------------------------------------- DER, tag by tag (X.690)

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Uint8Array.from([tag, ...length]), content])
}

const sequence = (...items: readonly Uint8Array[]) => der(0x30, ...items)
const set = (...items: readonly Uint8Array[]) => der(0x31, ...items)
const octets = (bytes: Uint8Array) => der(0x04, bytes)
const integer = (bytes: readonly number[] | Uint8Array) => der(0x02, Uint8Array.from(bytes))
const nothing = Uint8Array.from([0x05, 0x00])

function oid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [40 * first + second]
  for (const arc of rest) {
    const digits = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return der(0x06, Uint8Array.from(bytes))
}

function name(common: string): Uint8Array {
  return sequence(set(sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(common, 'utf8')))))
}

function time(seconds: number): Uint8Array {
  const text = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(text, 'latin1'))
}

const sha1 = sequence(oid('1.3.14.3.2.26'), nothing)
const rsa = sequence(oid('1.2.840.113549.1.1.1'), nothing)
const sha1WithRsa = sequence(oid('1.2.840.113549.1.1.5'), nothing)

function signedData({ serial, subject, notAfter, longSerialLength }: Certificate): Uint8Array {
  const serialNumber = longSerialLength ? Uint8Array.of(0x02, 0x81, serial.length, ...serial) : integer(serial)
  const issuer = name('Test Issuer')
  const publicKey = sequence(
    integer([0x00, ...Array.from({ length: 64 }, (_, i) => (i * 37 + 129) & 0xff)]),
    integer([3]),
  )
  const certificate = sequence(
    sequence(
      der(0xa0, integer([2])),
      serialNumber,
      sha1WithRsa,
      issuer,
      sequence(time(946684800), time(notAfter)),
      name(subject),
      sequence(rsa, der(0x03, Uint8Array.of(0), publicKey)),
    ),
    sha1WithRsa,
    der(0x03, new Uint8Array(65)),
  )
  const digest = octets(new Uint8Array(20).fill(0x11))
  const image = sequence(
    oid('1.3.6.1.4.1.311.2.1.15'),
    sequence(der(0x03, Uint8Array.of(0)), der(0xa0, der(0xa2, der(0x80)))),
  )
  const content = sequence(oid('1.3.6.1.4.1.311.2.1.4'), der(0xa0, sequence(image, sequence(sha1, digest))))
  const signer = sequence(
    integer([1]),
    sequence(issuer, serialNumber),
    sha1,
    der(
      0xa0,
      sequence(oid('1.2.840.113549.1.9.3'), set(oid('1.3.6.1.4.1.311.2.1.4'))),
      sequence(oid('1.2.840.113549.1.9.4'), set(digest)),
    ),
    rsa,
    octets(new Uint8Array(64).fill(0x22)),
  )
  return sequence(
    oid('1.2.840.113549.1.7.2'),
    der(0xa0, sequence(integer([1]), set(sha1), content, der(0xa0, certificate), set(signer))),
  )
}
