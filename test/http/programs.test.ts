/** What programs are made of: in the details of a sample, in the query language, after an update, and after deleting. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { Tlsh, tlshText } from '../../src/similarity/index.ts'
import { elfExecutable, portableExecutable } from '../planner/portable-executable.ts'
import { asManyFacts, builtMachO, builtProgram } from '../programs/built-programs.ts'
import { type Json, sha256, TestServer } from './harness.ts'

let server: TestServer
const { everything, 'everything with 64 bits': wide, dotnet } = asManyFacts() as Record<string, Buffer>
const member = builtProgram({ exports: ['OnlyInTheArchive'], pdb: 'E:\\agent\\100%_x.pdb' })
const pages = Array.from({ length: 30 }, (_, page) => createHash('sha512').update(`${page}`).digest())
const document = Buffer.concat([Buffer.from('%PDF-1.7\n'), ...pages])
const ingested = builtProgram({ exports: ['TakenIn'], version: { CompanyName: 'Example Ltd' } })

before(async () => {
  server = await TestServer.start()
  await server.upload(everything as Buffer, 'everything.exe')
  await server.upload(wide as Buffer, 'wide.exe')
  await server.upload(dotnet as Buffer, 'dotnet.exe')
  await server.upload(Buffer.from(elfExecutable(Buffer.alloc(600, 'x'))), 'linux')
  await server.upload(builtMachO(), 'mac')
  await server.upload('MZ and no program', 'text.txt')
  await server.upload(document, 'report.pdf')
  await server.upload(storedZip([{ name: Buffer.from('inside.dll'), bytes: member }]), 'archive.zip')
  const path = join(dirname(server.databaseFile), 'ingested.exe')
  writeFileSync(path, ingested)
  const [admin] = await server.appliance.accounts.users.list()
  await (await server.appliance.intake.ingestFile(path, { filename: 'ingested.exe', userId: admin?.id ?? 1 })).processed
  await server.appliance.intake.idle()
})
after(() => server.stop())

const detailsOf = async (content: Buffer | string): Promise<Json> =>
  (await server.get(`/api/samples/${sha256(content)}/details/`)).json

const programOf = async (content: Buffer | string): Promise<Json> => (await detailsOf(content)).program

/** Once it is computed. */
async function tlshOf(content: Buffer): Promise<string> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const { tlsh } = await detailsOf(content)
    if (tlsh !== null) return tlsh
    assert.ok(Date.now() < deadline, 'the TLSH is computed')
    await delay(20)
  }
}

async function namesWith(query: string): Promise<string[]> {
  const { status, json, text } = await server.get(`/api/samples/?${new URLSearchParams({ query })}`)
  assert.equal(status, 200, text)
  return json.results.map(({ name }: Json) => name).sort()
}

test('the details of a sample have what it is made of, however it came', async () => {
  const program = await programOf(everything as Buffer)
  assert.equal(program.format, 'PE32')
  assert.equal(program.compiled, '2020-08-15T03:43:27.000000Z')
  assert.match(program.imphash, /^[0-9a-f]{32}$/)
  assert.match(program.rich_hash, /^[0-9a-f]{32}$/)
  assert.deepEqual(program.imports.first[0], { name: 'KERNEL32.dll', functions: 2 })
  assert.deepEqual(program.exports, { count: 2, first: ['ServiceMain', 'run'] })
  assert.deepEqual(program.version[0], { name: 'CompanyName', value: 'Example Ltd' })
  assert.deepEqual(program.signers, [{ subject: 'AND LLC', issuer: 'Test Issuer', serial: '77:01:9a' }])
  assert.deepEqual([program.sections.count, program.sections.first[0].name], [1, '.text'])
  assert.deepEqual((await programOf(dotnet as Buffer)).dotnet.module, 'Client.exe')
  assert.deepEqual((await programOf(member)).exports.first, ['OnlyInTheArchive'])
  assert.deepEqual((await programOf(ingested)).exports.first, ['TakenIn'])
  assert.equal(await programOf('MZ and no program'), null)
  const analysed = await server.post(`/api/samples/${sha256(everything as Buffer)}/analyze/`, {})
  assert.equal(analysed.json.detail.imphash, program.imphash)
})

test('the query language finds programs by what they are made of', async () => {
  const { imphash, rich_hash, build_id, signers } = await programOf(everything as Buffer)
  const { dotnet: net } = await programOf(dotnet as Buffer)
  const same = ['everything.exe', 'wide.exe']
  const cases: readonly (readonly [query: string, names: readonly string[]])[] = [
    [`imphash:${imphash}`, same],
    [`imphash:${imphash.slice(0, 9)}*`, same],
    [`imphash:*${imphash.slice(9).toUpperCase()}`, same],
    [`imphash:${imphash.slice(0, 9)}`, []],
    [`rich-hash:${rich_hash}`, ['everything.exe']],
    [`build-id:${build_id}`, ['everything.exe', 'wide.exe', 'inside.dll']],
    ['pdb:"C:\\\\b\\\\ü.pdb"', ['everything.exe']],
    ['pdb:*.PDB', ['everything.exe', 'wide.exe', 'inside.dll']],
    ['pdb:"e:\\\\agent\\\\*"', ['inside.dll']],
    ['pdb:"E:\\\\agent\\\\100%_*"', ['inside.dll']],
    ['pdb:"E:\\\\agent\\\\1%"', []],
    ['section:.TEXT compiled:[* TO *] export:run', same],
    ['export:ServiceMain', ['everything.exe']],
    ['export:Only*', ['inside.dll']],
    ['import:wininet.dll', same],
    ['import:WinInet.DLL NOT export:ServiceMain', ['wide.exe']],
    ['pe-import:?ininet.dll', same],
    ['signer:"and llc"', ['everything.exe']],
    [`serial:"${signers[0].serial}"`, ['everything.exe']],
    ['serial:"77:01:*"', ['everything.exe']],
    ['company:"example ltd"', [...same, 'ingested.exe']],
    ['product:*Updater*', same],
    ['original-name:update.exe', same],
    ['description:Keeps*new', same],
    ['machine:x86-64', ['wide.exe', 'mac']],
    ['format:PE32+', ['wide.exe']],
    ['format:(ELF32 OR "Mach-O 64")', ['linux', 'mac']],
    ['dotnet-module:client.exe', ['dotnet.exe']],
    [`mvid:${net.mvid}`, ['dotnet.exe']],
    ['compiled:2020-08-15', ['everything.exe', 'inside.dll', 'ingested.exe']],
    ['compiled:"2020-08-15T03:43:27.000000Z"', ['everything.exe', 'inside.dll', 'ingested.exe']],
    ['compiled:>=2021-01-01', ['wide.exe']],
    ['compiled:<2020-01-01', []],
    ['format:PE* NOT compiled:>1970-01-01', ['dotnet.exe']],
    ['export:absent', []],
  ]
  for (const [query, names] of cases) {
    assert.deepEqual(await namesWith(query), [...names].sort(), query)
    const counted = await server.get(`/api/samples/count/?${new URLSearchParams({ query })}`)
    assert.equal(counted.json.count, names.length, query)
  }
  const refused = await server.get(`/api/samples/?${new URLSearchParams({ query: 'imphash:>5' })}`)
  assert.equal(refused.status, 400)
})

test('programs and documents have a TLSH, by which they are found', async () => {
  const samples = [everything as Buffer, document, member, ingested]
  const digests = await Promise.all(samples.map(tlshOf))
  assert.deepEqual(
    digests,
    samples.map((content) => {
      const tlsh = new Tlsh()
      tlsh.update(content)
      return tlshText(tlsh.digest() as Uint8Array)
    }),
  )
  const [tlsh = '', ofDocument = ''] = digests
  const cases: readonly (readonly [query: string, names: readonly string[]])[] = [
    [`tlsh:${tlsh}`, ['everything.exe']],
    [`tlsh:${tlsh.slice(2).toLowerCase()}`, ['everything.exe']],
    [`tlsh:${ofDocument.slice(0, 31)}*`, ['report.pdf']],
    [`tlsh:(${tlsh} OR ${ofDocument})`, ['everything.exe', 'report.pdf']],
    [`type:Document NOT tlsh:${ofDocument}`, []],
    [`tlsh:T1${'0'.repeat(70)}`, []],
  ]
  for (const [query, names] of cases) assert.deepEqual(await namesWith(query), names, query)
  const found = await server.post('/api/search/', { json: { text: tlsh } })
  assert.deepEqual(
    found.json.samples.map(({ name }: Json) => name),
    ['everything.exe'],
  )
  assert.equal((await detailsOf('MZ and no program')).tlsh, null)
  for (const value of ['T2AB', 'T1XY', `T1${'0'.repeat(71)}`, '*AB']) {
    const query = `tlsh:${value}`
    assert.equal((await server.get(`/api/samples/?${new URLSearchParams({ query })}`)).status, 400, query)
  }
})

test('programs that an earlier version stored are read in the background after the update', async () => {
  const contents = [everything as Buffer, wide as Buffer, builtMachO(), member]
  const known = await Promise.all(contents.map(programOf))
  const digests = await Promise.all([...contents, document].map(tlshOf))
  const database = new DatabaseSync(server.databaseFile)
  database.exec('DROP TABLE program_traits; DROP TABLE programs; DROP TABLE programs_to_read')
  database.exec('DROP TABLE tlsh; DROP TABLE tlsh_to_compute')
  const migrations = new URL('../../src/store/sqlite/migrations/', import.meta.url)
  for (const name of readdirSync(migrations)) {
    if (/-(?:programs|tlsh)\.sql$/.test(name)) database.exec(readFileSync(new URL(name, migrations), 'utf8'))
  }
  database.close()
  server = await server.restart()
  await untilNoneIsLeft()
  assert.deepEqual(await Promise.all(contents.map(programOf)), known)
  assert.deepEqual(await Promise.all([...contents, document].map(tlshOf)), digests)
  const found = await server.get(`/api/samples/?${new URLSearchParams({ query: 'export:ServiceMain' })}`)
  assert.equal(found.json.results.length, 1)
})

test('the facts of a sample go with it', async () => {
  const content = builtProgram({ exports: ['GoesAway'] })
  const hash = await server.upload(content, 'goes.dll')
  assert.equal(count("SELECT count(*) AS rows FROM program_traits WHERE value = 'GoesAway'"), 1)
  await tlshOf(content)
  const digests = count('SELECT count(*) AS rows FROM tlsh')
  await server.post('/api/samples/v2/delete_bulk/', { json: { hash_values: [hash] } })
  assert.equal(count('SELECT count(*) AS rows FROM tlsh'), digests - 1)
  assert.equal(count("SELECT count(*) AS rows FROM program_traits WHERE value = 'GoesAway'"), 0)
  assert.equal(count('SELECT count(*) AS rows FROM programs WHERE sample_id NOT IN (SELECT id FROM samples)'), 0)
})

test('a program whose header leads nowhere is a sample like any other', async () => {
  const broken = Buffer.from(portableExecutable(Buffer.alloc(700, 'b'), null))
  // The directories of imports, exports and resources, and the certificates.
  for (const n of [0, 1, 2, 4, 6, 14]) broken.writeUInt32LE(0xfffffff0, 0x80 + 24 + 96 + 8 * n)
  await server.upload(broken, 'broken.exe')
  const program = await programOf(broken)
  assert.equal(program.format, 'PE32')
  assert.deepEqual([program.imports, program.exports, program.resources, program.dotnet], [null, null, null, null])
})

function count(query: string): number {
  const database = new DatabaseSync(server.databaseFile, { readOnly: true })
  try {
    return Number(database.prepare(query).get()?.rows)
  } finally {
    database.close()
  }
}

async function untilNoneIsLeft(): Promise<void> {
  const deadline = Date.now() + 120_000
  while (count('SELECT count(*) AS rows FROM programs_to_read') > 0) {
    assert.ok(Date.now() < deadline, 'programs are read')
    await delay(50)
  }
}
