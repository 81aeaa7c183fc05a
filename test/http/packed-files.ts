/** Packages, disk images and messages, made byte by byte as the programs that write them do. */
import { crc32 } from 'node:zlib'

/** Numbers of 2, 4 or 8 bytes, as `H`, `I` and `Q`; upper limits are kept. */
function packed(form: string, ...values: readonly number[]): Buffer {
  const parts = [...form].map((kind, n) => {
    const value = values[n] ?? 0
    const bytes = Buffer.alloc({ B: 1, H: 2, I: 4, Q: 8 }[kind] ?? 0)
    if (kind === 'Q') bytes.writeBigUInt64LE(BigInt(value))
    else bytes.writeUIntLE(value, 0, bytes.length)
    return bytes
  })
  return Buffer.concat(parts)
}

function padded(bytes: Buffer, step: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((step - (bytes.length % step)) % step)])
}

const WIDE = 0xffff_ffff

/** A zip whose every size and place is in the fields of zip64, its end record included. */
export function zip64(name: string, bytes: Buffer): Buffer {
  const crc = crc32(bytes)
  const sizes = packed('HHQQ', 1, 16, bytes.length, bytes.length)
  const localHeader = packed('IHHHHHIIIHH', 0x0403_4b50, 45, 0, 0, 0, 0, crc, WIDE, WIDE, name.length, sizes.length)
  const local = Buffer.concat([localHeader, Buffer.from(name), sizes, bytes])
  const wide = packed('HHQQQ', 1, 24, bytes.length, bytes.length, 0)
  const form = 'IHHHHHHIIIHHHHHII'
  const sums = [crc, WIDE, WIDE, name.length, wide.length]
  const header = packed(form, 0x0201_4b50, 45, 45, 0, 0, 0, 0, ...sums, 0, 0, 0, 0, WIDE)
  const directory = Buffer.concat([header, Buffer.from(name), wide])
  const record = packed('IQHHIIQQQQ', 0x0606_4b50, 44, 45, 45, 0, 0, 1, 1, directory.length, local.length)
  const locator = packed('IIQI', 0x0706_4b50, 0, local.length + directory.length, 1)
  const end = packed('IHHHHIIH', 0x0605_4b50, 0xffff, 0xffff, 0xffff, 0xffff, WIDE, WIDE, 0)
  return Buffer.concat([local, directory, record, locator, end])
}

/** One file in the new ASCII format. */
export function cpio(name: string, bytes: Buffer): Buffer {
  const entry = (path: string, content: Buffer, mode: number) => {
    const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length + 1, 0]
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`
    return Buffer.concat([padded(Buffer.from(head, 'latin1'), 4), padded(content, 4)])
  }
  return Buffer.concat([entry(name, bytes, 0o100644), entry('TRAILER!!!', Buffer.alloc(0), 0)])
}

/** `payload` is a cpio archive, packed by `compressor`. */
export function rpm(payload: Buffer, compressor: string): Buffer {
  const header = (tags: readonly (readonly [tag: number, value: string | number])[]) => {
    const index: Buffer[] = []
    let store: Buffer = Buffer.alloc(0)
    for (const [tag, value] of tags) {
      const isText = typeof value === 'string'
      if (!isText) store = padded(store, 4)
      const entry = Buffer.alloc(16)
      for (const [n, field] of [tag, isText ? 6 : 4, store.length, 1].entries()) entry.writeUInt32BE(field, 4 * n)
      index.push(entry)
      const bytes = Buffer.alloc(isText ? value.length + 1 : 4)
      if (isText) bytes.write(value, 'latin1')
      else bytes.writeUInt32BE(value)
      store = Buffer.concat([store, bytes])
    }
    const counts = Buffer.alloc(8)
    counts.writeUInt32BE(tags.length)
    counts.writeUInt32BE(store.length, 4)
    return Buffer.concat([Buffer.from('8eade80100000000', 'hex'), counts, ...index, store])
  }
  const lead = Buffer.alloc(96)
  lead.write('\xed\xab\xee\xdb\x03\0\0\0\0\x01tool-1.0-1', 'latin1')
  lead.writeUInt16BE(1, 76)
  lead.writeUInt16BE(5, 78)
  const main = header([
    [1000, 'tool'],
    [1001, '1.0'],
    [1002, '1'],
    [1022, 'x86_64'],
    [1124, 'cpio'],
    [1125, compressor],
  ])
  return Buffer.concat([lead, padded(header([[1000, main.length + payload.length]]), 8), main, payload])
}

/** A floppy disk with TOOL.EXE; `label` is what its boot sector calls it. */
export function fatDisk(bytes: Buffer, label: string): Buffer {
  const sector = 512
  const disk = Buffer.alloc(2_880 * sector)
  disk.write('\xeb\x3c\x90MSDOS5.0', 'latin1')
  packed('HBHBHHBHHHI', sector, 1, 1, 2, 224, 2_880, 0xf0, 9, 18, 2, 0).copy(disk, 11)
  disk[38] = 0x29
  disk.write(`NO NAME    ${label}`, 43, 'latin1')
  disk.write('\x55\xaa', 510, 'latin1')
  // Both tables: two reserved entries, and the only cluster of the file.
  for (const table of [1, 10]) disk.write('\xf0\xff\xff\xff\x0f', table * sector, 'latin1')
  disk.write('TOOL    EXE\x20', 19 * sector, 'latin1')
  packed('HI', 2, bytes.length).copy(disk, 19 * sector + 26)
  bytes.copy(disk, 33 * sector)
  return disk
}

/** A CD with TOOL.EXE. */
export function isoDisk(bytes: Buffer): Buffer {
  const sector = 2_048
  const both = (value: number, length: 2 | 4) => {
    const field = Buffer.alloc(2 * length)
    field.writeUIntLE(value, 0, length)
    field.writeUIntBE(value, length, length)
    return field
  }
  const record = (start: number, size: number, flags: number, name: string) => {
    const date = Buffer.from([122, 1, 1, 0, 0, 0, 0])
    const rest = [both(start, 4), both(size, 4), date, Buffer.from([flags, 0, 0]), both(1, 2)]
    const named = [Buffer.from([name.length]), Buffer.from(name, 'latin1')]
    const entry = padded(Buffer.concat([Buffer.alloc(2), ...rest, ...named]), 2)
    entry[0] = entry.length
    return entry
  }
  const disk = Buffer.alloc(24 * sector)
  const volume = 16 * sector
  disk.write('\x01CD001\x01', volume, 'latin1')
  disk.fill(' ', volume + 8, volume + 72)
  both(24, 4).copy(disk, volume + 80)
  both(1, 2).copy(disk, volume + 120)
  both(1, 2).copy(disk, volume + 124)
  both(sector, 2).copy(disk, volume + 128)
  both(10, 4).copy(disk, volume + 132)
  disk.writeUInt32LE(18, volume + 140)
  disk.writeUInt32BE(18, volume + 148)
  record(19, sector, 2, '\0').copy(disk, volume + 156)
  disk[volume + 881] = 1
  disk.write('\xffCD001\x01', 17 * sector, 'latin1')
  disk.write('\x01\0\x13\0\0\0\x01\0', 18 * sector, 'latin1')
  const folder = [record(19, sector, 2, '\0'), record(19, sector, 2, '\x01'), record(20, bytes.length, 0, 'TOOL.EXE;1')]
  Buffer.concat(folder).copy(disk, 19 * sector)
  bytes.copy(disk, 20 * sector)
  return disk
}

interface Entry {
  readonly name: string
  readonly bytes?: Buffer
  readonly children?: readonly Entry[]
}

const NONE = 0xffff_ffff
const LAST = 0xffff_fffe
const SECTOR = 512
const SMALL = 64
/** Streams of this length have sectors of their own. */
const LARGE = 4_096

/**
 * A message of Outlook with these attachments: a compound file. A body of some length lies before its small streams and
 * its directory.
 */
export function outlookMessage(attachments: Readonly<Record<string, Buffer>>, bodyBytes = 64): Buffer {
  const wide = (text: string) => Buffer.from(text, 'utf16le')
  const root: Entry = {
    name: 'Root Entry',
    children: [
      { name: '__properties_version1.0', bytes: Buffer.alloc(64) },
      { name: '__substg1.0_0037001F', bytes: wide('The subject') },
      { name: '__substg1.0_1000001E', bytes: Buffer.alloc(bodyBytes, 'dear all, ') },
      ...Object.entries(attachments).map(([name, bytes], n) => ({
        name: `__attach_version1.0_#${n.toString(16).padStart(8, '0')}`,
        children: [
          { name: '__substg1.0_37010102', bytes },
          // The long name of the first, the short name of the second as old versions have it, and so on.
          n % 2 === 0
            ? { name: '__substg1.0_3707001F', bytes: wide(`${name}\0`) }
            : { name: '__substg1.0_3704001E', bytes: Buffer.from(name) },
        ],
      })),
    ],
  }
  const entries: Entry[] = []
  const walk = (entry: Entry): void => {
    entries.push(entry)
    for (const child of entry.children ?? []) walk(child)
  }
  walk(root)

  const small: Buffer[] = []
  const smallTable: number[] = []
  const starts = new Map<Entry, number>()
  for (const entry of entries) {
    if (entry.bytes === undefined || entry.bytes.length >= LARGE) continue
    starts.set(entry, smallTable.length)
    const count = Math.ceil(entry.bytes.length / SMALL)
    for (let n = 1; n <= count; n++) smallTable.push(n < count ? smallTable.length + 1 : LAST)
    small.push(padded(entry.bytes, SMALL))
  }
  const sectors: Buffer[] = []
  const table: number[] = []
  const place = (bytes: Buffer): number => {
    const first = table.length
    for (let at = 0; at < bytes.length; at += SECTOR) table.push(at + SECTOR < bytes.length ? table.length + 1 : LAST)
    sectors.push(bytes)
    return first
  }
  const numbers = (values: readonly number[]) => {
    const bytes = packed('I'.repeat(values.length), ...values)
    return Buffer.concat([bytes, Buffer.alloc((SECTOR - (bytes.length % SECTOR)) % SECTOR, 0xff)])
  }
  for (const entry of entries) {
    if (entry.bytes !== undefined && entry.bytes.length >= LARGE) starts.set(entry, place(padded(entry.bytes, SECTOR)))
  }
  starts.set(root, place(padded(Buffer.concat(small), SECTOR)))
  const smallTableAt = place(numbers(smallTable))

  const sizeOf = ({ bytes }: Entry) => bytes?.length ?? 0
  const directory = entries.map((entry) => {
    const siblings = entries.find(({ children }) => children?.includes(entry))?.children ?? []
    // Each is the left child of the next: a tree that any reader walks.
    const ordered = siblings.toSorted((a, b) => a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
    const before = ordered[ordered.indexOf(entry) - 1]
    const top = entry.children?.toSorted((a, b) => a.name.length - b.name.length || (a.name < b.name ? -1 : 1)).at(-1)
    const name = Buffer.alloc(64)
    name.write(entry.name, 'utf16le')
    const kind = entry === root ? 5 : entry.children ? 1 : 2
    const indexOf = (other: Entry | undefined) => (other ? entries.indexOf(other) : NONE)
    const links = [2 * entry.name.length + 2, kind, 1, indexOf(before), NONE, indexOf(top)]
    const size = entry === root ? smallTable.length * SMALL : sizeOf(entry)
    const content = packed('IQ', starts.get(entry) ?? 0, size)
    return Buffer.concat([name, packed('HBBIII', ...links), Buffer.alloc(36), content])
  })
  const directoryAt = place(padded(Buffer.concat(directory), SECTOR))
  let tableSectors = 1
  while ((table.length + tableSectors) * 4 > tableSectors * SECTOR) tableSectors++
  const tableAt = table.length
  for (let n = 0; n < tableSectors; n++) table.push(0xffff_fffd)
  const places = Array.from({ length: 109 }, (_, n) => (n < tableSectors ? tableAt + n : NONE))
  const header = Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    Buffer.alloc(16),
    packed('HHHHH', 0x3e, 3, 0xfffe, 9, 6),
    Buffer.alloc(10),
    packed('IIIIIIII', tableSectors, directoryAt, 0, 4_096, smallTableAt, Math.ceil(smallTable.length / 128), LAST, 0),
    packed('I'.repeat(109), ...places),
  ])
  return Buffer.concat([header, ...sectors, numbers(table)])
}
