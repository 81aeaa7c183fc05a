/** Packages, disk images and messages of Outlook: opened, or told why not. Through the API, as users see it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { type Json, TestServer } from './harness.ts'
import { cpio, fatDisk, isoDisk, outlookMessage, rpm, zip64 } from './packed-files.ts'

let server: TestServer
const WORDS = 'the hidden words'

before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('words', `rule Words { strings: $a = "${WORDS}" condition: $a }`)
  await server.saveRuleset('names', 'rule Program { condition: extension == ".exe" }')
})
after(() => server.stop())

let serial = 0
/** Different in every file, so that each brings its members itself. */
const secret = () => Buffer.from(`${WORDS}, number ${serial++}`)
const junk = (length: number) => Buffer.alloc(length, 'no archive at all. ')

interface Opened {
  /** What the sample itself carries. */
  readonly note: string | null
  /** Of what came out, on all levels: the last part of its path, with the rules that match it. */
  readonly found: readonly string[]
}

async function open(content: Buffer, name: string): Promise<Opened> {
  const found: string[] = []
  let note: string | null = null
  const visit = async (hash: string, depth: number): Promise<void> => {
    const { json } = await server.get(`/api/samples/${hash}/details/`)
    if (depth === 0) note = json.note
    for (const { path, sample } of json.members as Json[]) {
      const { json: member } = await server.get(`/api/samples/${sample.sha1}/details/`)
      const rules = member.matches.map(({ rule }: Json) => rule).toSorted()
      if (rules.length > 0) found.push(`${path.split('/').at(-1)}: ${rules.join(' ')}`)
      await visit(sample.sha1, depth + 1)
    }
  }
  await visit(await server.upload(content, name), 0)
  return { note, found }
}

const packers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
  xz: (bytes) => spawnSync(sevenZipBinary(), ['a', '-si', '-so', '-txz', 'x'], { input: bytes }).stdout,
  bzip2: (bytes) => spawnSync(sevenZipBinary(), ['a', '-si', '-so', '-tbzip2', 'x'], { input: bytes }).stdout,
}

const both = ['tool.exe: Program Words']
const opened: readonly (readonly [what: string, name: string, content: () => Buffer, found: readonly string[]])[] = [
  ...Object.entries(packers).map(
    ([packer, pack]) =>
      [
        `an RPM package packed with ${packer}`,
        `${packer}.rpm`,
        () => rpm(pack(cpio('bin/tool.exe', secret())), packer),
        // The files are in an archive of their own within the package.
        [...both, 'tool-1.0-1.x86_64.cpio: Words'],
      ] as const,
  ),
  ['a zip64', 'wide.zip', () => zip64('tool.exe', secret()), both],
  ['a zip64 behind something', 'wide.bin', () => Buffer.concat([junk(999), zip64('tool.exe', secret())]), both],
  [
    'two zip64 one behind the other',
    'wide.two',
    () => Buffer.concat([zip64('tool.exe', secret()), zip64('more.exe', secret())]),
    [...both, 'more.exe: Program Words'],
  ],
  ['a FAT disk', 'floppy.img', () => fatDisk(secret(), 'FAT12   '), ['TOOL.EXE: Program Words']],
  [
    'a FAT disk that calls itself nothing',
    'plain.img',
    () => fatDisk(secret(), '        '),
    ['TOOL.EXE: Program Words'],
  ],
  ['a CD', 'disk.iso', () => isoDisk(secret()), ['TOOL.EXE: Program Words']],
  [
    'a message of Outlook',
    'mail.msg',
    () => outlookMessage({ 'tool.exe': secret(), 'short.exe': secret() }),
    [...both, 'short.exe: Program Words'],
  ],
  [
    'a message of Outlook whose directory lies far behind its beginning',
    'large.msg',
    () => outlookMessage({ 'tool.exe': secret() }, 100_000),
    both,
  ],
]

for (const [what, name, content, found] of opened) {
  test(`${what} is opened, and its files have their names`, async () => {
    const { note, found: actual } = await open(content(), name)
    assert.deepEqual(actual.toSorted(), found.toSorted())
    assert.equal(note, null)
  })
}

const at = (offset: number, bytes: string) => Buffer.concat([Buffer.alloc(offset), Buffer.from(bytes, 'latin1')])
const unopened: Readonly<Record<string, Buffer>> = {
  XFS: at(0, 'XFSB\0\0\x10\0'),
  exFAT: at(0, '\xeb\x76\x90EXFAT   '),
  BitLocker: at(0, '\xeb\x58\x90-FVE-FS-'),
  LUKS: at(0, 'LUKS\xba\xbe\0\x01'),
  LVM: at(512, 'LABELONE'),
  F2FS: at(1_024, '\x10\x20\xf5\xf2'),
  'the older HFS': at(1_024, `BD${'\0'.repeat(16)}\x01\0\0\0\x10\0`),
  JFS: at(32_768, 'JFS1'),
  Btrfs: at(65_600, '_BHRfS_M'),
  ReiserFS: at(65_588, 'ReIsEr2Fs'),
  EnCase: at(0, 'EVF\x09\x0d\x0a\xff\0\x01'),
  'a CD with its sums': at(0, `\0${'\xff'.repeat(10)}\0\0\x02\0\x01`),
  zoo: at(0, 'ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd'),
  lrzip: at(0, 'LRZI\0\x06'),
  'winmail.dat': at(0, '\x78\x9f\x3e\x22\x01\0'),
  uuencode: at(0, 'Here it is.\n\nbegin 644 tool.exe\n#0V%T\n`\nend\n'),
  BinHex: at(0, '(This file must be converted with BinHex 4.0)\n\n:abc:\n'),
  yEnc: at(0, '=ybegin line=128 size=3 name=tool.exe\nabc\n=yend size=3\n'),
  'a damaged RPM package': rpm(Buffer.from('no payload'), 'gzip').subarray(0, 150),
}

for (const [what, head] of Object.entries(unopened)) {
  test(`of ${what} the sample says that it is not opened`, async () => {
    const end = /^[\n -~]*$/.test(head.toString('latin1')) ? Buffer.alloc(0) : Buffer.alloc(3_000, serial++)
    const { note, found } = await open(Buffer.concat([head, end]), 'unopened')
    assert.match(note ?? '', /could not be opened/)
    assert.deepEqual(found, [])
  })
}
