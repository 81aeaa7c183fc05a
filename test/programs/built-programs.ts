/** Small programs with everything in them that facts are read of: what they are asked for stands in their headers. */
import { readFileSync, realpathSync } from 'node:fs'
import { type Certificate, dotnetExecutable, ENTRY_OFFSET, portableExecutable } from '../planner/portable-executable.ts'

export interface Asked {
  readonly certificate?: Certificate
  readonly imports?: Readonly<Record<string, readonly (string | number)[]>>
  readonly exports?: readonly string[]
  readonly version?: Readonly<Record<string, string>>
  readonly pdb?: string
  readonly isReproducible?: boolean
  readonly timestamp?: number
  readonly hasRich?: boolean
  readonly isWide?: boolean
  readonly behind?: string
}

const BODY_BYTES = 0x3000
const OPTIONAL = 0x80 + 24

/** A program of Windows; its parts lie one after the other in its one section. */
export function builtProgram(asked: Asked): Buffer {
  const body = Buffer.alloc(BODY_BYTES)
  let free = 0x40
  const address = (at: number) => 0x1000 + at
  const place = (bytes: Uint8Array, aligned = 4): number => {
    free = Math.ceil(free / aligned) * aligned
    const at = free
    body.set(bytes, at)
    free += bytes.length
    return at
  }
  const text = (value: string) => place(Buffer.from(`${value}\0`, 'utf8'), 1)
  const directories = new Map<number, readonly [at: number, size: number]>()
  const { imports = {}, exports = [], version = {}, pdb, isWide = false } = asked

  if (Object.keys(imports).length > 0) {
    const width = isWide ? 8 : 4
    const descriptors = Object.entries(imports).map(([library, functions]) => {
      const thunks = Buffer.alloc((functions.length + 1) * width)
      for (const [n, name] of functions.entries()) {
        const to = typeof name === 'number' ? name : address(place(Buffer.from(`\0\0${name}\0`, 'latin1'), 2))
        thunks.writeUInt32LE(to, n * width)
        if (typeof name === 'number') thunks[(n + 1) * width - 1] = 0x80
      }
      const lookups = address(place(thunks, 8))
      return words(lookups, 0, 0, address(text(library)), lookups)
    })
    const table = Buffer.concat([...descriptors, words(0, 0, 0, 0, 0)])
    directories.set(1, [place(table), table.length])
  }
  if (exports.length > 0) {
    const functions = place(words(...exports.map(() => 0x1000)))
    const names = place(words(...exports.map((name) => address(text(name)))))
    const numbers = place(Buffer.from(Uint16Array.from(exports, (_, n) => n).buffer))
    const table = words(0, 0, 0, address(text('built.dll')), 1, exports.length, exports.length)
    const places = words(address(functions), address(names), address(numbers))
    directories.set(0, [place(Buffer.concat([table, places])), 40])
  }
  if (pdb !== undefined) {
    const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    const view = Buffer.concat([Buffer.from('RSDS'), guid, words(7), Buffer.from(`${pdb}\0`, 'utf8')])
    const at = place(view)
    const entries = [words(0, 0, 0, 2, view.length, address(at), ENTRY_OFFSET + at)]
    if (asked.isReproducible) entries.push(words(0, 0, 0, 16, 0, 0, 0))
    directories.set(6, [place(Buffer.concat(entries)), 28 * entries.length])
  }
  if (Object.keys(version).length > 0) {
    const resources = [
      [3, Buffer.from('an icon')],
      [3, Buffer.from('another icon')],
      [16, versionResource(version)],
      [24, Buffer.from('<assembly/>')],
    ] as const
    directories.set(2, [resourceTree(resources, place, address), 0x100])
  }
  const file = Buffer.from(portableExecutable(body, asked.certificate ?? null))
  file.writeUInt32LE(asked.timestamp ?? 0x5f3759df, 0x80 + 8)
  for (const [n, [at, size]] of directories) {
    file.writeUInt32LE(address(at), OPTIONAL + 96 + 8 * n)
    file.writeUInt32LE(size, OPTIONAL + 96 + 8 * n + 4)
  }
  if (isWide) widen(file)
  if (asked.hasRich) {
    const key = 0x12345678
    for (const [n, word] of [0x536e6144, 0, 0, 0, 0x00010002, 5].entries())
      file.writeUInt32LE((word ^ key) >>> 0, 0x40 + 4 * n)
    file.write('Rich', 0x58, 'latin1')
    file.writeUInt32LE(key, 0x5c)
  }
  return asked.behind === undefined ? file : Buffer.concat([file, Buffer.from(asked.behind)])
}

function words(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer)
}

/** The optional header of 64 bits: an image base of 8 bytes, and directories 16 bytes further on. */
function widen(file: Buffer): void {
  const rest = Buffer.from(file.subarray(OPTIONAL + 96, OPTIONAL + 0xe0 + 40))
  file.writeUInt16LE(0x20b, OPTIONAL)
  file.writeUInt16LE(0xf0, 0x80 + 20)
  file.writeBigUInt64LE(0x140000000n, OPTIONAL + 24)
  file.writeUInt32LE(16, OPTIONAL + 108)
  rest.copy(file, OPTIONAL + 112)
  file.writeUInt16LE(0x8664, 0x80 + 4)
}

type Place = (bytes: Uint8Array, aligned?: number) => number

/** Kind, name, language: for each resource a leaf of its own. Returns where the root is. */
function resourceTree(
  resources: readonly (readonly [kind: number, bytes: Buffer])[],
  place: Place,
  address: (at: number) => number,
): number {
  const kinds = [...Map.groupBy(resources, ([kind]) => kind)]
  const folderBytes = (entries: number) => 16 + 8 * entries
  const leaves = resources.length
  const size = folderBytes(kinds.length) + kinds.reduce((sum, [, some]) => sum + folderBytes(some.length), 0)
  const tree = Buffer.alloc(size + leaves * (folderBytes(1) + 16))
  const contents = new Map(resources.map((one) => [one, address(place(one[1]))]))
  let free = 0
  const folder = (entries: readonly (readonly [id: number, write: () => number])[]): number => {
    const at = free
    free += folderBytes(entries.length)
    tree.writeUInt16LE(entries.length, at + 14)
    for (const [n, [id, write]] of entries.entries()) {
      tree.writeUInt32LE(id, at + 16 + 8 * n)
      tree.writeUInt32LE(write(), at + 20 + 8 * n)
    }
    return (at | 0x80000000) >>> 0
  }
  const leaf = (one: (typeof resources)[number]) => (): number => {
    const at = free
    free += 16
    tree.writeUInt32LE(contents.get(one) as number, at)
    tree.writeUInt32LE(one[1].length, at + 4)
    return at
  }
  folder(
    kinds.map(([kind, some]) => [
      kind,
      () => folder(some.map((one, n) => [n + 1, () => folder([[1033, leaf(one)]])] as const)),
    ]),
  )
  return place(tree)
}

function versionResource(texts: Readonly<Record<string, string>>): Buffer {
  const strings = Object.entries(texts).map(([name, value]) =>
    block(name, Buffer.from(`${value}\0`, 'utf16le'), [], true),
  )
  const table = block('040904b0', Buffer.alloc(0), strings)
  return block('VS_VERSION_INFO', Buffer.alloc(52), [block('StringFileInfo', Buffer.alloc(0), [table])])
}

function block(key: string, value: Buffer, inside: readonly Buffer[], isText = false): Buffer {
  const filled = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  const head = Buffer.alloc(6)
  head.writeUInt16LE(isText ? value.length / 2 : value.length, 2)
  head.writeUInt16LE(isText ? 1 : 0, 4)
  const start = filled(Buffer.concat([head, Buffer.from(`${key}\0`, 'utf16le')]))
  const all = Buffer.concat([filled(Buffer.concat([start, value])), ...inside.map(filled)])
  all.writeUInt16LE(all.length, 0)
  return all
}

/** A 64-bit Mach-O program with a segment of two sections, a library, a UUID, an entry point and two symbols. */
export function builtMachO(): Buffer {
  const sections = [
    ['__text', 0x100],
    ['__cstring', 0x20],
  ] as const
  const segment = Buffer.alloc(72 + 80 * sections.length)
  segment.writeUInt32LE(0x19, 0)
  segment.writeUInt32LE(segment.length, 4)
  segment.write('__TEXT', 8)
  segment.writeUInt32LE(sections.length, 64)
  for (const [n, [name, size]] of sections.entries()) {
    segment.write(name, 72 + 80 * n)
    segment.write('__TEXT', 72 + 80 * n + 16)
    segment.writeBigUInt64LE(BigInt(size), 72 + 80 * n + 40)
    segment.writeUInt32LE(0x400 + 0x100 * n, 72 + 80 * n + 48)
  }
  const library = Buffer.concat([
    words(0xc, 56, 24, 2, 0, 0),
    Buffer.from('/usr/lib/libSystem.B.dylib\0'.padEnd(32, '\0')),
  ])
  const uuid = Buffer.concat([words(0x1b, 24), Buffer.from('00112233445566778899aabbccddeeff', 'hex')])
  const main = words(0x80000028, 24, 0x410, 0, 0, 0)
  const symbols = words(2, 24, 0x600, 2, 0x640, 0x40)
  const commands = [segment, library, uuid, main, symbols]
  const bytes = Buffer.concat(commands)
  const file = Buffer.alloc(0x700)
  words(0xfeedfacf, 0x01000007, 3, 2, commands.length, bytes.length, 0, 0).copy(file)
  bytes.copy(file, 32)
  for (let n = 0; n < 0x100; n++) file[0x400 + n] = n
  file.write('\0_exported\0_imported\0', 0x640)
  file.writeUInt32LE(1, 0x600)
  file[0x604] = 0x0f
  file.writeUInt32LE(11, 0x610)
  file[0x614] = 0x01
  return file
}

/** A universal binary of two parts. */
export function builtUniversal(): Buffer {
  const part = builtMachO()
  const arm = Buffer.from(part)
  arm.writeUInt32LE(0x0100000c, 4)
  const file = Buffer.alloc(0x1000 + 2 * 0x1000)
  for (const [n, value] of [
    0xcafebabe,
    2,
    0x01000007,
    3,
    0x1000,
    part.length,
    12,
    0x0100000c,
    0,
    0x2000,
    arm.length,
    12,
  ].entries())
    file.writeUInt32BE(value, 4 * n)
  part.copy(file, 0x1000)
  arm.copy(file, 0x2000)
  return file
}

export const version = {
  CompanyName: 'Example Ltd',
  ProductName: 'Exämple “Updater”',
  FileDescription: 'Keeps things new',
  OriginalFilename: 'update.exe',
}

/** Programs of Windows that have each kind of fact between them, by what they are. */
export function asManyFacts(): Readonly<Record<string, Buffer>> {
  const certificate = { serial: Uint8Array.of(0x77, 0x01, 0x9a), subject: 'AND LLC', notAfter: 1_408_182_400 }
  const imports = { 'KERNEL32.dll': ['ExitProcess', 'VirtualAlloc'], 'wininet.dll': ['InternetOpenA'] }
  return {
    everything: builtProgram({
      certificate,
      imports,
      exports: ['ServiceMain', 'run'],
      version,
      pdb: 'C:\\b\\ü.pdb',
      hasRich: true,
    }),
    'everything with 64 bits': builtProgram({
      imports,
      exports: ['run'],
      version,
      pdb: 'D:\\x.pdb',
      isWide: true,
      timestamp: 0x60000000,
    }),
    dotnet: dotnetModule(),
  }
}

/** With the stream of tables, in which the one module has a name and a GUID. */
function dotnetModule(): Buffer {
  const file = Buffer.from(dotnetExecutable(Buffer.from('00112233445566778899aabbccddeeff', 'hex')))
  const root = ENTRY_OFFSET + 0x80
  file.writeUInt16LE(3, root + 30)
  // The GUID makes room for the headers of two more streams.
  file.copy(file, root + 0x50, root + 0x40, root + 0x50)
  file.fill(0, root + 0x30, root + 0x50)
  const header = (at: number, offset: number, size: number, name: string) => {
    file.writeUInt32LE(offset, root + at)
    file.writeUInt32LE(size, root + at + 4)
    file.write(name, root + at + 8, 'latin1')
  }
  // Behind the first header, of `#GUID`.
  header(48, 0x60, 0x30, '#~')
  header(60, 0x90, 0x20, '#Strings')
  header(32, 0x50, 16, '#GUID')
  file.writeUInt8(2, root + 0x60 + 4)
  file.writeUInt32LE(1, root + 0x60 + 8)
  file.writeUInt32LE(1, root + 0x60 + 24)
  file.writeUInt16LE(1, root + 0x60 + 28 + 2)
  file.writeUInt16LE(1, root + 0x60 + 28 + 4)
  file.write('Client.exe', root + 0x90 + 1, 'latin1')
  return file
}

/** Of this machine. */
export function linuxPrograms(): Buffer[] {
  return ['/usr/bin/env', '/usr/lib/x86_64-linux-gnu/libm.so.6', '/usr/lib/x86_64-linux-gnu/libz.so.1'].flatMap(
    (path) => {
      try {
        return [readFileSync(realpathSync(path))]
      } catch {
        return []
      }
    },
  )
}
