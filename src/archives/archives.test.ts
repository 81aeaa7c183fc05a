import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { findArchive } from './archive-search.ts'
import { withTwin } from './archives.ts'
import { type ArchiveLimits, Archives, type UnpackOptions, zipForDownload } from './index.ts'
import { archiveLimits } from './limits.fixture.ts'
import { ListingReader, MOST_OTHERS } from './listing.ts'
import { readPart } from './reading.ts'
import { sevenZipBinary } from './seven-zip.ts'
import { storedZip } from './stored-zip.fixture.ts'

/** A folder with `in/` (a small tree to pack), and a way to unpack archives made there and to read what came out. */
async function workshop(t: TestContext, limits: Partial<ArchiveLimits> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-archives-'))
  t.after(() => rm(folder, { recursive: true }))
  const input = join(folder, 'in')
  await mkdir(join(input, 'dir'), { recursive: true })
  const contents: Record<string, Buffer> = {
    'a.txt': Buffer.from('the first'),
    'dir/b.bin': randomBytes(3_000),
    empty: Buffer.alloc(0),
  }
  for (const [name, bytes] of Object.entries(contents)) await writeFile(join(input, name), bytes)
  const archives = new Archives({ ...archiveLimits, ...limits })
  const unpack = async (archive: string, options: Partial<UnpackOptions> = {}) => {
    const unpacked = await archives.unpack(archive, {
      folder: join(folder, `out${Math.random()}`),
      name: archive.replace(/^.*\//, ''),
      passwords: [],
      ...options,
    })
    const files: Record<string, Buffer> = {}
    for (const member of unpacked.members) {
      const bytes = await readFile(member.path)
      assert.equal(bytes.length, member.size)
      files[member.name] = bytes
    }
    return { ...unpacked, files }
  }
  const pack = (archive: string, ...switches: string[]) => {
    execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', ...switches, join(folder, archive), '.'], { cwd: input })
    return join(folder, archive)
  }
  return { folder, input, contents, pack, unpack }
}

for (const format of ['zip', '7z', 'tar', 'wim']) {
  test(`all files of a ${format} come out with their names and bytes`, async (t) => {
    const { contents, pack, unpack } = await workshop(t)
    const result = await unpack(pack(`x.${format}`))
    assert.deepEqual(result.files, contents)
    assert.equal(result.format, format)
    assert.equal(result.note, null)
  })
}

for (const [suffix, tool] of Object.entries({ gz: 'gzip', bz2: 'bzip2', xz: 'xz' })) {
  test(`the file in a .${suffix} comes out under the archive's name without the suffix`, async (t) => {
    const { folder, unpack } = await workshop(t)
    const bytes = randomBytes(9_000)
    const packed = spawnSync(sevenZipBinary(), ['a', '-si', '-so', `-t${tool}`, 'x'], { input: bytes }).stdout
    await writeFile(join(folder, '0123'), packed)
    const result = await unpack(join(folder, '0123'), { name: `report.doc.${suffix}` })
    assert.deepEqual(Object.values(result.files), [bytes])
    if (suffix !== 'gz') assert.deepEqual(Object.keys(result.files), ['report.doc'])
    assert.equal(result.note, null)
    await writeFile(join(folder, 'more'), Buffer.concat([packed, Buffer.from('something else')]))
    const followed = await unpack(join(folder, 'more'))
    assert.deepEqual([Object.values(followed.files), followed.note], [[bytes], null])
  })
}

for (const [title, name, switches] of [
  ['a zip with ZipCrypto', 'x.zip', []],
  ['a zip with AES', 'x.zip', ['-mem=AES256']],
  ['a 7z', 'x.7z', []],
  ['a 7z whose names are encrypted too', 'x.7z', ['-mhe=on']],
] as const) {
  test(`${title} opens with the right one of several passwords, and stays shut with wrong ones`, async (t) => {
    const { contents, pack, unpack } = await workshop(t)
    const archive = pack(name, '-pgeheim "x $y', ...switches)
    const opened = await unpack(archive, { passwords: ['wrong', 'geheim "x $y', 'infected'] })
    assert.deepEqual(opened.files, contents)
    assert.equal(opened.locked, false)
    assert.equal(opened.note, null)

    const shut = await unpack(archive, { passwords: ['wrong', 'infected'] })
    assert.equal(shut.locked, true)
    assert.match(shut.note ?? '', /encrypted, and no known password/)
    const nothingOfValue = Object.keys(shut.files).filter((file) => file !== 'empty')
    assert.deepEqual(nothingOfValue, [])
  })
}

for (const format of ['zip', '7z']) {
  test(`members of a ${format} with several passwords come out with each of them`, async (t) => {
    const { folder, input, unpack } = await workshop(t)
    const archive = join(folder, `x.${format}`)
    const contents: Record<string, Buffer> = {}
    for (const [name, ...password] of [['f1', '-pone'], ['f2', '-ptwo'], ['f3', '-pthree'], ['f4'], ['f5', '-pone']]) {
      const path = name as string
      contents[path] = randomBytes(500)
      await writeFile(join(input, path), contents[path])
      execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', ...password, archive, path], { cwd: input })
    }
    const all = await unpack(archive, { passwords: ['wrong', 'two', 'one', 'three'] })
    assert.deepEqual(all.files, contents)
    assert.deepEqual([all.locked, all.note], [false, null])
    const some = await unpack(archive, { passwords: ['three', 'wrong', 'two'] })
    assert.deepEqual(Object.keys(some.files).sort(), ['f2', 'f3', 'f4'])
    assert.match(some.note ?? '', /^2 contained files are encrypted, and no known password opens them\.$/)
    assert.equal(some.locked, true)
  })
}

test('passwords do not appear in the list of processes', async (t) => {
  const { folder, pack, unpack } = await workshop(t)
  await writeFile(join(folder, 'in', 'big'), randomBytes(5_000_000))
  const archive = pack('x.7z', '-ptopsecretword', '-mx=1')
  let seen = ''
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) seen += `${commandOf(pid)}\n`
  }, 5)
  await unpack(archive, { passwords: ['topsecretword'] }).finally(() => clearInterval(timer))
  assert.match(seen, /7zzs/)
  assert.doesNotMatch(seen, /topsecretword/)
})

/** Its words with blanks between them; empty where the process has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

test('hostile names are kept as text, and nothing is written outside the folder', async (t) => {
  const { folder, unpack } = await workshop(t)
  const names = [
    '../../evil',
    '/etc/evil',
    'C:\\evil',
    'a',
    'a/b',
    'same',
    'same',
    `${'n'.repeat(400)}.exe`,
    'tab\tbell\u0007',
    '@list',
    '-switch',
    '*',
  ]
  const archive = join(folder, 'hostile.zip')
  await writeFile(
    archive,
    storedZip(names.map((name, i) => ({ name: Buffer.from(name), bytes: Buffer.from(`content ${i}`) }))),
  )
  const before = await readdir(folder)
  const result = await unpack(archive, { folder: join(folder, 'out') })

  assert.deepEqual(await readdir(folder), [...before, 'out'].sort())
  const contents = await Promise.all(result.members.map((member) => readFile(member.path, 'utf8')))
  assert.deepEqual(
    contents,
    names.map((_, i) => `content ${i}`),
  )
  for (const member of result.members) {
    assert.doesNotMatch(member.name, /\p{Cc}/u)
    assert.ok(member.path.startsWith(join(folder, 'out')))
  }
  assert.equal(result.members[7]?.name, names[7])
  assert.equal(result.note, null)
})

test('names that are not UTF-8 become well-formed text', async (t) => {
  const { folder, unpack } = await workshop(t)
  const archive = join(folder, 'x.zip')
  await writeFile(archive, storedZip([{ name: Buffer.from([0x66, 0xff, 0xc3, 0x28]), bytes: Buffer.from('x') }]))
  const result = await unpack(archive)
  assert.equal(result.members.length, 1)
  assert.ok(result.members[0]?.name.isWellFormed())
})

test('links and devices are passed over, and files behind them keep their bytes', async (t) => {
  const { folder, input, unpack } = await workshop(t)
  await symlink('/etc/passwd', join(input, 'c-link'))
  await writeFile(join(input, 'd.txt'), 'after the link')
  spawnSync('mkfifo', [join(input, 'c-pipe')])
  execFileSync('ln', [join(input, 'a.txt'), join(input, 'e-hard')])
  execFileSync('tar', ['cf', join(folder, 'x.tar'), 'c-link', 'c-pipe', 'a.txt', 'e-hard', 'd.txt'], { cwd: input })
  const result = await unpack(join(folder, 'x.tar'))
  assert.deepEqual(Object.keys(result.files).sort(), ['a.txt', 'd.txt'])
  assert.equal(result.files['d.txt']?.toString(), 'after the link')
  assert.equal(result.note, null)
})

test('what says that it is a link and cannot be one comes out as the file that it is', async (t) => {
  const { folder, input, unpack } = await workshop(t)
  const contents: Record<string, string> = { lines: 'echo 1\necho 2\n', long: 'x'.repeat(1_500), link: '../dir/b.bin' }
  for (const [name, content] of Object.entries(contents)) await symlink(content, join(input, name))
  execFileSync('tar', ['cf', join(folder, 'x.tar'), 'a.txt', ...Object.keys(contents)], { cwd: input })
  for (const type of ['7z', 'zip']) {
    // It packs no long ones.
    const switches = ['-bso0', '-bsp0', '-snl', join(folder, `x.${type}`)]
    execFileSync(sevenZipBinary(), ['a', ...switches, 'a.txt', 'lines', 'link'], { cwd: input })
  }
  for (const type of ['tar', '7z', 'zip']) {
    const { files, note } = await unpack(join(folder, `x.${type}`))
    const texts = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString()]))
    const long = type === 'tar' ? { long: contents.long } : {}
    assert.deepEqual(texts, { 'a.txt': 'the first', lines: contents.lines, ...long }, type)
    assert.equal(note, null)
  }
  const bytes = await readFile(join(folder, 'x.zip'))
  const namesIn = async () => {
    const part = await readPart({ bytes, name: 'x.zip', isArchive: true, isMail: false }, 0, 100)
    return part?.members?.map(({ name }) => name).sort()
  }
  assert.deepEqual(await namesIn(), ['a.txt', 'lines'])
  bytes.write('X', bytes.indexOf('../dir'))
  assert.deepEqual(await namesIn(), ['a.txt', 'lines', 'link'], 'what is damaged is not passed over')
})

test('ten thousand members come out, and one more than allowed is told', async (t) => {
  const { folder, unpack } = await workshop(t, { members: 10_000 })
  const files = Array.from({ length: 10_001 }, (_, i) => ({ name: Buffer.from(`f${i}`), bytes: Buffer.from(`${i}`) }))
  await writeFile(join(folder, 'fits.zip'), storedZip(files.slice(1)))
  await writeFile(join(folder, 'more.zip'), storedZip(files))
  const fits = await unpack(join(folder, 'fits.zip'))
  assert.equal(fits.members.length, 10_000)
  assert.equal(fits.note, null)
  const more = await unpack(join(folder, 'more.zip'))
  assert.equal(more.members.length, 10_000)
  assert.match(more.note ?? '', /more than 10000 contained files/)
})

for (const format of ['zip', '7z', 'tar', 'wim']) {
  test(`folders in a ${format} take no place from its files`, async (t) => {
    const { input, contents, pack, unpack } = await workshop(t, { members: 3 })
    for (let n = 0; n < 10; n++) await mkdir(join(input, `0${n}`))
    const { files, note } = await unpack(pack(`x.${format}`))
    assert.deepEqual(files, contents)
    assert.equal(note, null)
  })
}

test('files of two file systems are told apart by more than their names and sizes', () => {
  const file = (name: string, path: string) => ({ name, path, size: 5 })
  const of = (...members: ReturnType<typeof file>[]) =>
    ({ format: 'udf', members, note: null, locked: false, archiveBytes: null }) as const
  const { members } = withTwin(of(file('a.txt', '1')), of(file('A.TXT', '2'), file('B.TXT', '3')))
  assert.deepEqual(members, [file('a.txt', '1'), { ...file('A.TXT', '2'), isTwin: true }, file('B.TXT', '3')])
})

test('so many folders that the rest of an archive is not listed are told', () => {
  const reader = new ListingReader(1)
  reader.push('Type = zip\n----------\n')
  const folder = 'Path = d\nFolder = +\nSize = 0\n\n'
  assert.equal(reader.push(folder.repeat(MOST_OTHERS)), true)
  assert.equal(reader.push(folder), false)
  const listing = reader.finish()
  assert.equal(listing?.cut, 'others')
  assert.equal(listing?.members.length, MOST_OTHERS)
})

for (const [suffix, type] of [
  ['gz', 'gzip'],
  ['zip', 'zip'],
  ['7z', '7z'],
  ['xz', 'xz'],
] as const) {
  test(`a bomb in a ${suffix} is stopped at its bounds, and what came before it stays`, async (t) => {
    const { folder, input, unpack } = await workshop(t, { ratioFloorBytes: 20_000_000, ratio: 10 })
    await writeFile(join(input, 'zeros'), Buffer.alloc(200_000_000))
    const alone = suffix === 'gz' || suffix === 'xz'
    const archive = join(folder, `bomb.${suffix}`)
    execFileSync(
      sevenZipBinary(),
      ['a', '-bso0', '-bsp0', `-t${type}`, '-mx=1', archive, ...(alone ? ['zeros'] : ['a.txt', 'zeros'])],
      { cwd: input },
    )
    const result = await unpack(archive, { folder: join(folder, 'out') })
    assert.deepEqual(Object.keys(result.files), alone ? [] : ['a.txt'])
    assert.match(result.note ?? '', /unpacks to more than 20000000 bytes/)
    const left = spawnSync('du', ['-sb', join(folder, 'out')], { encoding: 'utf8' }).stdout
    assert.ok(Number.parseInt(left, 10) < 21_000_000, `left on disk: ${left}`)
  })
}

test('a member above its bound is passed over, and the ones behind it are unpacked', async (t) => {
  const { pack, unpack, contents } = await workshop(t, { memberBytes: 2_000 })
  const result = await unpack(pack('x.tar'))
  assert.deepEqual(
    Object.keys(result.files).sort(),
    Object.keys(contents)
      .filter((name) => name !== 'dir/b.bin')
      .sort(),
  )
  assert.match(result.note ?? '', /1 contained file larger than 2000 bytes was not unpacked/)
})

test('unpacking that takes too long is ended', async (t) => {
  const { folder, input, unpack } = await workshop(t, { timeMs: 200 })
  await writeFile(join(input, 'zeros'), Buffer.alloc(300_000_000))
  const archive = join(folder, 'slow.bz2')
  execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', '-tbzip2', '-mx=1', archive, 'zeros'], { cwd: input })
  const result = await unpack(archive)
  assert.match(result.note ?? '', /too long/)
})

test('a damaged member is told, and the others are whole', async (t) => {
  const { folder, unpack } = await workshop(t)
  const files = ['one', 'two', 'three'].map((text) => ({
    name: Buffer.from(text),
    bytes: Buffer.from(text.repeat(1000)),
  }))
  const zip = storedZip(files)
  zip.write('TWO', zip.indexOf('twotwo') + 99)
  await writeFile(join(folder, 'x.zip'), zip)
  const result = await unpack(join(folder, 'x.zip'))
  assert.deepEqual(result.files.one, files[0]?.bytes)
  assert.deepEqual(result.files.three, files[2]?.bytes)
  assert.match(result.note ?? '', /1 contained file is damaged/)
})

test('of a solid 7z only the damaged member is lost, though 7-Zip reports it also where it is left out', async (t) => {
  const { folder, input, unpack } = await workshop(t)
  const bytes = randomBytes(60 * 400)
  for (let n = 0; n < 60; n++) await writeFile(join(input, `f${n}`), bytes.subarray(n * 400, (n + 1) * 400))
  const archive = join(folder, 'solid.7z')
  execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', '-mx=1', archive, 'f*'], { cwd: input })
  const packed = await readFile(archive)
  const at = packed.indexOf(bytes.subarray(20 * 400, 20 * 400 + 50))
  packed[at] = ~(packed[at] as number)
  await writeFile(archive, packed)
  const { files, note } = await unpack(archive)
  for (let n = 0; n < 60; n++) {
    if (n !== 20) assert.deepEqual(files[`f${n}`], bytes.subarray(n * 400, (n + 1) * 400), `f${n}`)
  }
  assert.match(note ?? '', /^1 contained file is damaged or cut off\.$/)
})

test('among very many damaged members, whose names are long, each that is whole comes out', async (t) => {
  const { folder, unpack } = await workshop(t)
  const files = Array.from({ length: 600 }, (_, n) => ({
    name: Buffer.from(`${n}`.padEnd(250, '.')),
    bytes: Buffer.from(`\xff content ${n}`, 'latin1'),
  }))
  const archive = storedZip(files)
  // Every second one says that it is deflated, and 7-Zip gives nothing of it.
  for (const { name } of files.filter((_, n) => n % 2 === 0)) {
    archive[archive.indexOf(name) - 22] = 8
    archive[archive.lastIndexOf(name) - 36] = 8
  }
  await writeFile(join(folder, 'x.zip'), archive)
  const { files: out, note } = await unpack(join(folder, 'x.zip'))
  const whole = files.filter(({ name, bytes }) => out[name.toString()]?.equals(bytes))
  assert.equal(whole.length, 300)
  assert.match(note ?? '', /^300 contained files are damaged/)
})

test('of a truncated archive the beginning comes out', async (t) => {
  const { folder, input, contents, pack, unpack } = await workshop(t)
  const whole = await readFile(pack('x.tar'))
  await writeFile(join(folder, 'cut.tar'), whole.subarray(0, 3_600))
  const result = await unpack(join(folder, 'cut.tar'))
  assert.deepEqual(result.files['a.txt'], contents['a.txt'])
  assert.notEqual(result.note, null)

  for (let n = 0; n < 40; n++) await writeFile(join(input, `f${n}`), `content ${n}`)
  execFileSync('tar', ['cf', join(folder, 'many.tar'), ...Array.from({ length: 40 }, (_, n) => `f${n}`)], {
    cwd: input,
  })
  await writeFile(join(folder, 'many-cut.tar'), (await readFile(join(folder, 'many.tar'))).subarray(0, 39 * 1024 + 515))
  const many = await unpack(join(folder, 'many-cut.tar'))
  for (let n = 0; n < 39; n++) assert.equal(many.files[`f${n}`]?.toString(), `content ${n}`)
  assert.match(many.note ?? '', /1 contained file is damaged or cut off/)

  const bytes = randomBytes(100_000)
  await writeFile(join(folder, 'cut.gz'), gzipSync(bytes).subarray(0, 50_000))
  const single = await unpack(join(folder, 'cut.gz'))
  const [begun] = Object.values(single.files)
  assert.ok(begun && begun.length > 10_000)
  assert.ok(begun.equals(bytes.subarray(0, begun.length)))
  assert.match(single.note ?? '', /damaged or cut off/)
})

test('what is no archive has no members: text, noise, and a program', async (t) => {
  const { folder, unpack } = await workshop(t)
  await writeFile(join(folder, 'text'), 'no archive at all\n'.repeat(100))
  await writeFile(join(folder, 'noise'), randomBytes(10_000))
  for (const path of [join(folder, 'text'), join(folder, 'noise'), process.execPath]) {
    const result = await unpack(path)
    assert.deepEqual(result.members, [])
    assert.equal(result.format, null)
    assert.equal(result.note, null)
  }
})

test('an aborted unpacking ends with the reason of its signal', async (t) => {
  const { folder, input, unpack } = await workshop(t)
  await writeFile(join(input, 'zeros'), Buffer.alloc(300_000_000))
  const archive = join(folder, 'slow.bz2')
  execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', '-tbzip2', '-mx=1', archive, 'zeros'], { cwd: input })
  const stop = new AbortController()
  setTimeout(() => stop.abort(new Error('enough')), 50)
  await assert.rejects(unpack(archive, { signal: stop.signal }), /enough/)
})

/** What a mail holds, by name. */
async function partsOf(mail: string): Promise<Record<string, string>> {
  const content = { bytes: Buffer.from(mail, 'latin1'), name: 'x.eml', isArchive: true, isMail: true }
  const part = await readPart(content, 0, 100)
  const parts: Record<string, string> = {}
  for (const { name, read } of part?.members ?? []) {
    const member = read(1_000_000)
    parts[name] = typeof member === 'string' ? member : member.bytes.toString('latin1')
  }
  return parts
}

test('parts of a mail have exactly the bytes that their transfer encoding gives', async () => {
  const head = 'From: a@b\r\nContent-Type: multipart/mixed;\r\n\tboundary="a; \\"b\\""\r\n\r\npreamble\r\n'
  const part = (fields: string, body: string) => `--a; "b"\r\n${fields}\r\n\r\n${body}\r\n`
  const inline = 'Content-Disposition: inline\r\nContent-Transfer-Encoding'
  const parts = await partsOf(
    `${head}${[
      part('Content-Type: text/plain', 'The text of the mail.'),
      part(`Content-Type: text/plain; name=evil.exe\r\n${inline}: base64`, 'TVqQ\r\nAAM='),
      part(`Content-Type: text/html; name="e.html"\r\n${inline}: 7bit`, '<b>1</b>\r\n\r\n'),
      part('Content-Type: application/zip; name=b.zip\r\ncontent-transfer-encoding: BINARY', 'PK\n\r\n\xff\n--a\n'),
      part(
        'Content-Type: application/x-sh; name=q\r\nContent-Transfer-Encoding: quoted-printable',
        'a=\r\n b \r\nc=0D=00 =3d=zz\nd =\r\n',
      ),
      part('Content-Type: text/calendar\r\nContent-Transfer-Encoding: base64', 'YQ0KYg0K'),
      part('Content-Type: text/plain\r\nContent-Transfer-Encoding: base64', 'YQ==Yg=='),
      part("Content-Disposition: attachment; filename*0*=utf-8''%e4%b8; filename*1*=%ad; filename*2=.a", '1'),
      part('Content-Disposition: attachment; filename="=?utf-8?Q?=C3=A4_b?="', '2'),
      part('Content-Disposition: attachment;\r\n filename=my file (1).txt', '3'),
      part('Content-Disposition: attachment; filename="\xcf\xf0\xe8\xe2\xe5\xf2"', '4'),
    ].join('')}--a; "b"-- \r\nepilogue`,
  )
  assert.deepEqual(parts, {
    'evil.exe': 'MZ\x90\0\x03',
    'e.html': '<b>1</b>\r\n\r\n',
    'b.zip': 'PK\n\r\n\xff\n--a\n',
    q: 'a b\r\nc\r\0 ==zz\nd ',
    'attachment-5.ics': 'a\r\nb\r\n',
    'message.txt': 'ab',
    '中.a': '1',
    'ä b': '2',
    'my file (1).txt': '3',
    Привет: '4',
  })
})

test('parts of a broken mail come out, as much of them as there is', async () => {
  const multipart = (boundary: string) => `Content-Type: multipart/mixed; boundary=${boundary}\n\n`
  const file = (name: string, body: string) => `Content-Disposition: attachment; filename=${name}\n\n${body}`
  // The boundary of the outer one ends the inner one, whose end is missing; a part without an empty line; the end is missing.
  const mail =
    `${multipart('out')}--out\n${multipart('in')}--in\n${file('1', 'one')}\n--in\n${file('2', 'two')}\n--out\n` +
    `Content-Type: text/plain; name=3\n--out\n${file('4', 'four\n--other\n--outer\n')}`
  assert.deepEqual(await partsOf(mail), { 1: 'one', 2: 'two', 3: '', 4: 'four\n--other\n--outer\n' })
  // Deeper than anybody nests: it comes out as it is.
  const deep = Array.from({ length: 100 }, (_, n) => `${multipart(`b${n}`)}--b${n}\n`).join('') + file('x', 'end')
  const parts = await partsOf(deep)
  assert.ok(Object.values(parts).join().endsWith('end'))
  assert.deepEqual(await partsOf(`Content-Type: application/x; name=a\nContent-Transfer-Encoding: base64\n\nYWI`), {
    a: 'ab',
  })
})

test('a download zip opens with its password, streams its files and removes its folder', async (t) => {
  const { folder, input, contents, unpack } = await workshop(t)
  const stream = zipForDownload(
    [
      { path: join(input, 'dir/b.bin'), name: '.hidden' },
      { path: join(input, 'a.txt'), name: '-x *@ä.exe' },
    ],
    { folder: join(folder, 'packing'), password: 'infected', timeMs: 60_000 },
  )
  const archive = join(folder, 'samples.zip')
  await writeFile(archive, await buffer(stream))
  await assert.rejects(stat(join(folder, 'packing')), { code: 'ENOENT' })
  assert.equal((await unpack(archive)).locked, true)
  const opened = await unpack(archive, { passwords: ['infected'] })
  assert.deepEqual(opened.files, { '.hidden': contents['dir/b.bin'], '-x *@ä.exe': contents['a.txt'] })
})

test('a download that is given up leaves no folder and no process', async (t) => {
  const { folder, input } = await workshop(t)
  await writeFile(join(input, 'noise'), randomBytes(50_000_000))
  const packing = join(folder, 'packing')
  const stream = zipForDownload([{ path: join(input, 'noise'), name: 'n' }], {
    folder: packing,
    password: 'x',
    timeMs: 60_000,
  })
  for await (const _chunk of stream) break
  for (let i = 0; i < 500 && (await stat(packing).catch(() => null)) !== null; i++) await new Promise(setImmediate)
  await assert.rejects(stat(packing), { code: 'ENOENT' })
})

test('a content that looks like very many streams is given up, and one real stream among a few is found', () => {
  const real = zstdCompressSync(
    Buffer.from('a text that is in a stream of its own, and long enough to be one'.repeat(9)),
  )
  // A block of 100,000 bytes leads to blocks of nothing, up to the end.
  const frame = Buffer.from('28b52ffd005800350c', 'hex')
  const lookLike = (streams: number, padding: number) =>
    Buffer.concat([...Array.from({ length: streams }, () => frame), Buffer.alloc(padding), real])
  const few = lookLike(2, 110_000)
  assert.equal(findArchive(few, 0)?.from, few.length - real.length)
  assert.equal(findArchive(lookLike(900, 300_000), 0), null)
})
