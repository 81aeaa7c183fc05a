/** What is in archives of all kinds, what it is called, and what is told of the rest: through the API, as users see it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Json, TestServer } from './harness.ts'

let server: TestServer
const WORDS = 'the hidden words'

before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('words', `rule Words { strings: $a = "${WORDS}" condition: $a }`)
  await server.saveRuleset('names', 'rule Program { condition: extension == "exe" or extension == ".exe" }')
})
after(() => server.stop())

interface Opened {
  /** Of everything that came out, on all levels: the path in its archive. */
  readonly paths: readonly string[]
  readonly notes: readonly string[]
  /** Rules that match something that came out. */
  readonly rules: readonly string[]
}

/** Uploads a file; gives what came out of it. */
async function open(content: Buffer, name: string): Promise<Opened> {
  const paths: string[] = []
  const notes: string[] = []
  const rules = new Set<string>()
  const visit = async (hash: string, depth: number): Promise<void> => {
    const { json } = await server.get(`/api/samples/${hash}/details/`)
    if (json.note !== null) notes.push(json.note)
    if (depth > 0) for (const { rule } of json.matches) rules.add(rule)
    for (const { path, sample } of json.members as Json[]) {
      paths.push(path)
      await visit(sample.sha1, depth + 1)
    }
  }
  await visit(await server.upload(content, name), 0)
  return { paths, notes, rules: [...rules].toSorted() }
}

let serial = 0
/** Different in every archive, so that each brings its members itself. */
const secret = () => Buffer.from(`${WORDS}, number ${serial++}`)
const zip = (name: string | Buffer, bytes = secret()) => storedZip([{ name: Buffer.from(name), bytes }])
const noise = (length: number) => Buffer.alloc(length, 'no archive at all. ')

function packedBySevenZip(type: string, bytes: Buffer): Buffer {
  return spawnSync(sevenZipBinary(), ['a', '-si', '-so', `-t${type}`, 'x'], { input: bytes }).stdout
}

function ar(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')]
  for (const [name, bytes] of Object.entries(files)) {
    const size = String(bytes.length).padEnd(10)
    parts.push(Buffer.from(`${name.padEnd(16)}0           0     0     100644  ${size}\x60\n`), bytes)
    if (bytes.length % 2 === 1) parts.push(Buffer.from('\n'))
  }
  return Buffer.concat(parts)
}

function tar(name: string | Buffer, bytes = secret()): Buffer {
  const header = Buffer.alloc(512)
  header.set(Buffer.from(name))
  header.write('0000644\x000000000\x000000000\0', 100, 'latin1')
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\x0000000000000`, 124, 'latin1')
  header.write('        0', 148)
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return Buffer.concat([header, bytes, Buffer.alloc(1024 + ((512 - (bytes.length % 512)) % 512))])
}

/** A frame of LZ4 with one stored block. */
function lz4(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((0x8000_0000 | bytes.length) >>> 0)
  return Buffer.concat([Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), size, bytes, Buffer.alloc(4)])
}

const packers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gz: (bytes) => gzipSync(bytes),
  xz: (bytes) => packedBySevenZip('xz', bytes),
  bz2: (bytes) => packedBySevenZip('bzip2', bytes),
  zst: (bytes) => zstdCompressSync(bytes),
  lz4,
}

for (const suffix of ['gz', 'xz', 'zst']) {
  test(`a Debian package packed as .${suffix} shows its scripts as well as its files`, async () => {
    const pack = packers[suffix] as (bytes: Buffer) => Buffer
    const content = ar({
      'debian-binary': Buffer.from('2.0\n'),
      [`control.tar.${suffix}`]: pack(tar('postinst')),
      [`data.tar.${suffix}`]: pack(tar('usr/bin/tool', Buffer.from(`a tool ${suffix}`))),
    })
    const { paths, rules, notes } = await open(content, `packed-${suffix}.deb`)
    for (const path of ['postinst', 'usr/bin/tool']) assert.ok(paths.includes(path), `${path} of ${paths}`)
    assert.deepEqual(rules, ['Words'])
    assert.deepEqual(notes, [])
  })
}

for (const [suffix, pack] of Object.entries(packers)) {
  test(`the content of a .${suffix} without a name of its own is called after the file that was sent`, async () => {
    const program = await open(pack(secret()), `payload-${suffix}.exe.${suffix}`)
    // The gzip stream of 7-Zip and of Node has no name, as after `gzip -n`.
    assert.deepEqual(program.paths, [`payload-${suffix}.exe`])
    assert.deepEqual(program.rules.toSorted(), ['Program', 'Words'])
    const plain = await open(pack(secret()), `renamed-${suffix}.exe`)
    assert.deepEqual(plain.paths, [`renamed-${suffix}.exe`])
    const source = await open(pack(tar('inner.txt')), `std.tar.${suffix}`)
    assert.deepEqual(source.paths, ['std.tar', 'inner.txt'])
    if (suffix === 'gz') assert.deepEqual((await open(pack(tar('it.txt')), 'short.tgz')).paths, ['short.tar', 'it.txt'])
  })
}

test('a stream of LZMA without a container is opened', async () => {
  const content = Buffer.from('XQAAgAD//////////wA6GgjOdnaX/ehca1395tXbfpkLJ/SxvcnS1k7//yYwAAA=', 'base64')
  assert.deepEqual(await open(content, 'tool.exe.lzma'), {
    paths: ['tool.exe'],
    notes: [],
    rules: ['Program', 'Words'],
  })
})

/** A zip in which the headers of its only member are changed: `at` is an offset in what both headers have in common. */
function changedZip(name: string, change: (header: Buffer) => void): Buffer {
  const content = zip(name)
  change(content.subarray(4))
  change(content.subarray(content.indexOf('PK\x01\x02', 'latin1') + 6))
  return content
}

const withoutDirectory = (content: Buffer) => content.subarray(0, content.indexOf('PK\x01\x02', 'latin1'))

/** It is written to a file: 7-Zip goes back in it to write its header. */
function sevenZip(name: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-archives-'))
  try {
    const path = join(folder, 'x.7z')
    spawnSync(sevenZipBinary(), ['a', `-si${name}`, '-t7z', path], { input: secret() })
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const places: readonly (readonly [what: string, expected: readonly string[], content: () => Buffer])[] = [
  ['two zips one behind the other', ['a', 'b'], () => Buffer.concat([zip('a'), zip('b')])],
  [
    'three zips with something between them',
    ['a', 'b', 'c'],
    () => Buffer.concat([zip('a'), noise(99), zip('b'), noise(99), zip('c')]),
  ],
  ['a zip behind a kilobyte of something', ['a'], () => Buffer.concat([noise(1024), zip('a')])],
  ['a zip behind a program', ['a'], () => Buffer.concat([Buffer.from('MZ'), Buffer.alloc(3000, 7), zip('a')])],
  ['a zip behind a picture', ['a'], () => Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(500, 1), zip('a')])],
  ['a zip with something behind it', ['a'], () => Buffer.concat([zip('a'), noise(100_000)])],
  ['a zip without its directory', ['a'], () => withoutDirectory(zip('a'))],
  ['a zip without its directory behind something', ['a'], () => Buffer.concat([noise(77), withoutDirectory(zip('a'))])],
  [
    'a zip whose directory leaves a member out',
    ['b', 'a'],
    () => {
      const hidden = withoutDirectory(zip('a'))
      return Buffer.concat([hidden, zip('b')])
    },
  ],
  [
    'a zip that says without reason that it is encrypted',
    ['a'],
    () =>
      changedZip('a', (header) => {
        header[2] = 1
      }),
  ],
  ['a zip with a method that there is not', ['a'], () => changedZip('a', (header) => header.writeUInt16LE(777, 4))],
  ['two tars one behind the other', ['a', 'b'], () => Buffer.concat([tar('a'), tar('b')])],
  ['a tar behind something', ['a'], () => Buffer.concat([noise(333), tar('a')])],
  ['a 7z behind something', ['a'], () => Buffer.concat([noise(333), sevenZip('a')])],
  ['a zip behind a 7z', ['a', 'b'], () => Buffer.concat([sevenZip('a'), zip('b')])],
  [
    'a gzip of several streams with a zip behind it',
    ['streams', 'b'],
    () => Buffer.concat([gzipSync(secret()), gzipSync(secret()), zip('b')]),
  ],
  ...Object.entries(packers).map(
    ([suffix, pack]) =>
      [
        `a zip behind two streams of ${suffix}`,
        ['streams', 'b'],
        () => Buffer.concat([pack(secret()), pack(secret()), zip('b')]),
      ] as const,
  ),
  [
    'a zip behind a broken gzip',
    ['streams', 'b'],
    () => {
      // A stored block, and one of a type that there is not.
      const deflated = Buffer.from('\x00\x05\x00\xfa\xffhello\x07\xff\xff', 'latin1')
      return Buffer.concat([gzipSync('').subarray(0, 10), deflated, zip('b')])
    },
  ],
  ...Object.entries(packers).map(
    ([suffix, pack]) =>
      [
        `a tar packed as .${suffix} behind a shell script`,
        ['streams', 'a'],
        () => Buffer.concat([Buffer.from(`#!/bin/sh\ntail -n +3 $0 | unpack\nexit\n`), pack(tar('a'))]),
      ] as const,
  ),
]

for (const [what, expected, content] of places) {
  test(`${what} is opened`, async () => {
    const { paths, rules } = await open(content(), 'streams.gz')
    assert.deepEqual(paths.toSorted(), expected.toSorted())
    assert.deepEqual(rules, ['Words'])
  })
}

test('attachments of a mail come out decoded, those of mails in mails and in mailboxes too', async () => {
  const mail = (name: string, type: string, attached: Buffer | string) => {
    const edge = `edge of ${name}`
    return [
      'Received: from there by here; Fri, 1 Jan 2027 00:00:00 +0000',
      'From: a@example.com',
      'To: b@example.com',
      'Subject: =?utf-8?B?w6Q=?=',
      'MIME-Version: 1.0',
      `Content-Type: multipart/mixed; boundary="${edge}"`,
      '',
      `--${edge}`,
      'Content-Type: text/plain',
      '',
      'See there.',
      `--${edge}`,
      `Content-Type: ${type}`,
      `Content-Disposition: attachment; filename="${name}"`,
      ...(typeof attached === 'string'
        ? ['', attached]
        : ['Content-Transfer-Encoding: base64', '', attached.toString('base64')]),
      `--${edge}--`,
      '',
    ].join('\r\n')
  }
  const inner = mail('tool.exe', 'application/octet-stream', secret())
  const { paths, rules, notes } = await open(Buffer.from(mail('inner.eml', 'message/rfc822', inner)), 'outer.eml')
  assert.deepEqual(paths, ['inner.eml', 'tool.exe'])
  assert.deepEqual(rules.toSorted(), ['Program', 'Words'])
  assert.deepEqual(notes, [])
  // A text by its type, and shown in the mail: it is a file all the same, with its own bytes.
  const program = Buffer.concat([Buffer.from('MZ\x90\0\xff', 'latin1'), secret()])
  const inline = await open(
    Buffer.from(
      'From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n' +
        'Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain; name=inline.exe\r\n' +
        `Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n${program.toString('base64')}\r\n--edge--`,
    ),
    'inline.eml',
  )
  assert.deepEqual(inline, { paths: ['inline.exe'], notes: [], rules: ['Program', 'Words'] })
  const sha1 = createHash('sha1').update(program).digest('hex')
  assert.equal((await server.get(`/api/samples/${sha1}/details/`)).status, 200)
  const box = ['one', 'two'].map(
    (name) =>
      `From a@example.com Fri Jan  1 00:00:00 2027\n${mail(`${name}.bin`, 'application/octet-stream', secret())}\n`,
  )
  const mailbox = await open(Buffer.from(box.join('')), 'inbox')
  assert.deepEqual(mailbox.paths, ['message-1.eml', 'one.bin', 'message-2.eml', 'two.bin'])
})

for (const [codePage, name, bytes] of [
  ['Shift-JIS', '日本語.exe', '93fa967b8cea2e657865'],
  ['Shift-JIS with kana', 'テスト.txt', '836583588367 2e747874'],
  ['GBK', '中文.txt', 'd6d0cec42e747874'],
  ['Big5', '測試.txt', 'b4fab8d52e747874'],
  ['EUC-KR', '한글.txt', 'c7d1b1db2e747874'],
  ['CP866', 'Привет.txt', '8fe0a8a2a5e22e747874'],
  ['Windows-1251', 'Привет.txt', 'cff0e8e2e5f22e747874'],
  ['CP437', 'über.exe', '816265722e657865'],
  ['Windows-1252', 'Straße.txt', '53747261df652e747874'],
  ['UTF-8 without its flag', 'naïve.txt', Buffer.from('naïve.txt').toString('hex')],
] as const) {
  test(`names in ${codePage} are read, in a zip and in a tar`, async () => {
    const raw = Buffer.from(bytes.replaceAll(' ', ''), 'hex')
    assert.deepEqual((await open(zip(raw), 'names.zip')).paths, [name])
    assert.deepEqual((await open(tar(raw), 'names.tar')).paths, [name])
  })
}

test('the Unicode path of a zip counts when it belongs to the name beside it', async () => {
  const named = (of: Buffer) => {
    const path = Buffer.from('имя.exe')
    const field = Buffer.alloc(9)
    field.writeUInt16LE(0x7075, 0)
    field.writeUInt16LE(5 + path.length, 2)
    field[4] = 1
    field.writeUInt32LE(crc32(of), 5)
    const extra = Buffer.concat([field, path])
    const content = zip('x.exe')
    const directory = content.indexOf('PK\x01\x02', 'latin1')
    const end = content.length - 22
    content.writeUInt16LE(extra.length, directory + 30)
    content.writeUInt32LE(content.readUInt32LE(end + 12) + extra.length, end + 12)
    return Buffer.concat([content.subarray(0, end), extra, content.subarray(end)])
  }
  assert.deepEqual((await open(named(Buffer.from('x.exe')), 'u.zip')).paths, ['имя.exe'])
  assert.deepEqual((await open(named(Buffer.from('y.exe')), 'u.zip')).paths, ['x.exe'])
})

test('a file behind more folders than a zip may have files comes out', async () => {
  const folders = Array.from({ length: 50_001 }, (_, n) => ({ name: Buffer.from(`d${n}/`), bytes: Buffer.alloc(0) }))
  const content = storedZip([...folders, { name: Buffer.from('evil.exe'), bytes: secret() }])
  assert.deepEqual(await open(content, 'folders.zip'), { paths: ['evil.exe'], notes: [], rules: ['Program', 'Words'] })
})

test('of two members of one name and one size in a zip both come out, whichever reader each is for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-archives-'))
  const make = (...switches: string[]) => {
    const [hidden, decoy] = [secret(), Buffer.from(`no words here ${serial++}`)]
    const decoyOfSize = Buffer.concat([decoy, Buffer.alloc(hidden.length)]).subarray(0, hidden.length)
    writeFileSync(join(folder, 'a.txt'), hidden)
    writeFileSync(join(folder, 'b.txt'), decoyOfSize)
    const path = join(folder, `${serial}.zip`)
    const add = (...more: string[]) => spawnSync(sevenZipBinary(), ['a', '-tzip', ...more], { cwd: folder })
    add(...switches, path, 'a.txt')
    add('-mm=Copy', path, 'b.txt')
    const content = readFileSync(path)
    for (let at = content.indexOf('b.txt'); at >= 0; at = content.indexOf('b.txt', at)) content.write('a', at)
    return content
  }
  try {
    for (const switches of [['-mm=LZMA'], ['-mm=Copy', '-pinfected']]) {
      const opened = await open(make(...switches), `two${serial}.zip`)
      assert.deepEqual(opened, { paths: ['a.txt', 'a.txt'], notes: [], rules: ['Words'] }, switches.join())
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is not opened is told, on the sample itself', async () => {
  const notOpened = /could not be opened/
  for (const [name, content] of [
    ['a.lz', Buffer.concat([Buffer.from('LZIP\x01\x0c'), noise(500)])],
    ['a.7z', Buffer.concat([Buffer.from('7z\xbc\xaf\x27\x1c\0\x04', 'latin1'), noise(500)])],
    ['a.rar', Buffer.concat([Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'), noise(500)])],
    ['a.ace', Buffer.concat([Buffer.alloc(7, 1), Buffer.from('**ACE**'), noise(500)])],
  ] as const) {
    const { paths, notes } = await open(content, name)
    assert.deepEqual(paths, [])
    assert.match(notes.join(), notOpened, name)
  }
})

/** Processes of 7-Zip that the server starts while something is done. */
async function sevenZipsOf(work: () => Promise<unknown>): Promise<number> {
  // Told before they have their arguments.
  const processes: ChildProcess[] = []
  const started = (message: unknown) => processes.push((message as { process: ChildProcess }).process)
  channel('child_process').subscribe(started)
  try {
    await work()
    return processes.filter(({ spawnargs }) => spawnargs.includes(sevenZipBinary())).length
  } finally {
    channel('child_process').unsubscribe(started)
  }
}

/** Damaged in every member. */
function damagedSevenZip(members: number): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-archives-'))
  try {
    mkdirSync(join(folder, 'in'))
    for (let n = 0; n < members; n++) writeFileSync(join(folder, 'in', `m${n}`), `the text of member ${n} ${secret()}`)
    const path = join(folder, 'x.7z')
    spawnSync(sevenZipBinary(), ['a', '-mx=0', '-ms=off', path, join(folder, 'in')])
    const content = readFileSync(path)
    for (let at = content.indexOf('the text of'); at >= 0; at = content.indexOf('the text of', at))
      content.write('###', at)
    return content
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a damaged archive takes few processes of 7-Zip, and none where it is a zip or a stream', async () => {
  const broken = (content: Buffer, part: string | Buffer) => {
    content.write('#####', content.indexOf(part) + 3)
    return content
  }
  const members = Array.from({ length: 40 }, (_, n) => ({ name: Buffer.from(`m${n}`), bytes: secret() }))
  const cases: readonly (readonly [name: string, content: Buffer, most: number])[] = [
    ['damaged.zip', broken(storedZip(members), WORDS), 0],
    ['cut.zip', storedZip(members).subarray(0, 900), 0],
    ['damaged.gz', broken(gzipSync(Buffer.concat([secret(), noise(5_000)]), { level: 0 }), WORDS), 0],
    ['damaged.lz4', lz4(secret()).subarray(0, 40), 0],
    ['damaged.7z', damagedSevenZip(40), 24],
  ]
  for (const [name, content, most] of cases) {
    let opened: Opened | null = null
    const processes = await sevenZipsOf(async () => {
      opened = await open(content, name)
    })
    assert.ok(processes <= most, `${name} took ${processes} processes`)
    assert.equal(most === 0, processes === 0, `${name} took ${processes} processes`)
    assert.match((opened as Opened | null)?.notes.join() ?? '', /damaged/, name)
  }
})

test('of many damaged archives at once each gives what is whole, and all are told', { timeout: 240_000 }, async () => {
  const whole = Array.from({ length: 20 }, (_, i) => ({
    name: Buffer.from(`m${i}`),
    bytes: Buffer.alloc(500, `text ${i} `),
  }))
  const hashes = await Promise.all(
    Array.from({ length: 60 }, (_, n) => {
      const content = storedZip([...whole, { name: Buffer.from('own'), bytes: Buffer.from(`only in ${n}`) }])
      // Damages the data of one member, another one in each.
      content.write('#####', content.indexOf(`text ${n % 20} `) + 9)
      return server.upload(content, `damaged-${n}.zip`)
    }),
  )
  for (const [n, hash] of hashes.entries()) {
    const { json } = await server.get(`/api/samples/${hash}/details/`)
    assert.match(json.note, /1 contained file is damaged/)
    assert.equal(json.members.length, 21, `archive ${n}`)
  }
})

test('an archive whose password was missing is unpacked with one that is given later, without its bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-locked-'))
  try {
    const bytes = secret()
    for (const [name, content] of Object.entries({ 'open.txt': noise(50), 'locked.txt': bytes }))
      writeFileSync(join(folder, name), content)
    const pack = (name: string, ...password: string[]) =>
      spawnSync(sevenZipBinary(), ['a', '-tzip', ...password, join(folder, 'a.zip'), join(folder, name)])
    pack('open.txt')
    pack('locked.txt', '-pnobody knows it')
    const hash = await server.upload(readFileSync(join(folder, 'a.zip')), 'a.zip')
    const details = async (): Promise<Json> => (await server.get(`/api/samples/${hash}/details/`)).json
    const names = ({ members }: Json) => members.map(({ path }: Json) => path).sort()
    const locked = await details()
    assert.match(locked.note, /^1 contained file is encrypted, and no known password opens it\./)
    assert.deepEqual(names(locked), ['open.txt'])

    const unpack = async (password: string) => {
      const { status, json } = await server.post(`/api/samples/${hash}/unpack/`, { as: 'ana', json: { password } })
      await server.appliance.intake.idle()
      return [status, json.error]
    }
    assert.deepEqual(await unpack('not this one'), [202, undefined])
    // It did not arrive once more.
    const still = await details()
    assert.deepEqual([still.note, still.sightings], [locked.note, locked.sightings])
    assert.deepEqual(await unpack('nobody knows it'), [202, undefined])
    const opened = await details()
    assert.equal(opened.note, null)
    assert.deepEqual(names(opened), ['locked.txt', 'open.txt'])
    assert.deepEqual(await unpack('once more'), [409, 'sample.not-locked'])
    assert.equal((await server.post(`/api/samples/${hash}/unpack/`, { json: {} })).status, 400)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an archive that comes again with its password before it was opened without is unpacked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-locked-'))
  try {
    for (let round = 0; round < 3; round++) {
      writeFileSync(join(folder, 'in.txt'), secret())
      const path = join(folder, `${round}.zip`)
      spawnSync(sevenZipBinary(), ['a', '-tzip', '-psoon known', path, join(folder, 'in.txt')])
      const content = readFileSync(path)
      const hashes: string[] = []
      for (const password of [undefined, 'soon known', 'not this one']) {
        const multipart = new FormData()
        if (password !== undefined) multipart.append('archive_password', password)
        multipart.append('file', new Blob([content as Uint8Array<ArrayBuffer>]), `soon-${round}.zip`)
        const { json } = await server.post('/api/submit/file/', { multipart })
        hashes.push(json.detail.sha1)
      }
      await server.appliance.intake.idle()
      const { json } = await server.get(`/api/samples/${hashes[0]}/details/`)
      assert.deepEqual([json.note, json.members.map(({ path }: Json) => path)], [null, ['in.txt']])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
