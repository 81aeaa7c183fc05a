/** What `src/planner/modules.ts` says of the engine's modules, held against the engine. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { signerHash } from '../../src/index/index.ts'
import { mayMatch, planRuleset, printPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFactsOf, engineFor } from './engine.ts'
import { exactSignature } from './exact-signature.ts'
import { dotnetExecutable, elfExecutable, importingExecutable, portableExecutable } from './portable-executable.ts'

const SERIAL = '77:01:9a:08:23:85:e4:b7:3f:56:95:69:c9:f8:7b:b8'
const certificate = {
  serial: Buffer.from(SERIAL.replaceAll(':', ''), 'hex'),
  subject: 'AND LLC',
  notAfter: 1408182400,
}
const program = portableExecutable(Buffer.from('the entry point of a small program'), certificate)
const unsigned = portableExecutable(Buffer.from('the entry point of a small program'), null)
const elf = elfExecutable(Buffer.from('the entry point of a small program'))

/** 64-bit Mach-O header with no load commands, in a byte order. */
const machO = Buffer.alloc(4096)
machO.writeUInt32LE(0xfeedfacf, 0)
machO.writeUInt32LE(0x01000007, 4)
machO.writeUInt32LE(3, 8)
machO.writeUInt32LE(2, 12)

/** What is written on no machine: a list of one program in the other order of bytes. */
const fatLittleEndian = [0xcafebabe, 0xcafebabf].map((magic) => {
  const bytes = Buffer.alloc(4096)
  for (const [n, word] of [magic, 1, 7, 3, 0x100, 0x200, 12].entries()) bytes.writeUInt32LE(word, 4 * n)
  bytes.writeUInt32LE(0xfeedface, 0x100)
  return bytes
})

interface Answers {
  readonly engine: boolean
  readonly plan: boolean
}

/** For each file, whether a rule of this condition matches it: the engine's answer and the plan's. */
function askAll(condition: string, files: readonly Uint8Array[]): Answers[] {
  const imports = ['pe', 'dotnet', 'elf', 'macho', 'hash'].map((module) => `import "${module}"`).join('\n')
  const text = `${imports}\nrule r { condition: ${condition} }`
  const { plan } = planRuleset(parse(text))
  const scan = engineFor(text)
  return files.map((bytes) => ({
    engine: scan(bytes).has('r'),
    plan: mayMatch(plan, exactSignature(bytes, engineFactsOf(bytes))),
  }))
}

function ask(condition: string, bytes: Uint8Array): Answers {
  return askAll(condition, [bytes])[0] as Answers
}

function planOf(condition: string): string {
  return printPlan(planRuleset(parse(`rule r { condition: ${condition} }`)).plan)
}

/** Files that no parser of the modules should accept: each program with one byte of its magic changed, and others. */
const strangers: Uint8Array[] = [
  new Uint8Array(0),
  Buffer.from('MZ'),
  Buffer.from('a text of no particular kind, somewhat longer than a header of an old program would be'),
  Buffer.concat([Buffer.from(' '), program]),
]
for (const [file, magic] of [
  [program, 2],
  [elf, 4],
  [machO, 4],
] as const) {
  for (let at = 0; at < magic; at++) {
    for (const bit of [0x01, 0x20, 0x80]) {
      const changed = Uint8Array.from(file)
      changed[at] = (changed[at] as number) ^ bit
      // An even change may turn one Mach-O magic into another.
      strangers.push(changed)
    }
  }
}

const fields = {
  pe: [
    'machine',
    'subsystem',
    'os_version.major',
    'characteristics',
    'timestamp',
    'image_base',
    'entry_point',
    'entry_point_raw',
    'dll_name',
    'number_of_sections',
    'number_of_imports',
    'number_of_exports',
    'number_of_signatures',
    'is_signed',
    'pdb_path',
    'rich_signature.key',
    'overlay.size',
    'sections[0].name',
    'signatures[0].serial',
    'version_info["CompanyName"]',
    'resources[0].length',
    'import_details[0].library_name',
    'data_directories[0].size',
    'is_32bit()',
    'is_64bit()',
    'is_dll()',
    'rva_to_offset(0)',
    'calculate_checksum()',
    'section_index(".text")',
    'section_index(0)',
    'imphash()',
    'import_rva("a.dll", "b")',
    'delayed_import_rva("a.dll", "b")',
    'exports_index("a")',
    'exports_index(1)',
    'exports_index(/a/)',
  ],
  dotnet: ['version', 'module_name', 'number_of_streams', 'guids[0]', 'assembly.name', 'number_of_classes', 'typelib'],
  elf: ['type', 'machine', 'entry_point', 'number_of_sections', 'sections[0].name', 'segments[0].type', 'telfhash()'],
  macho: ['magic', 'cputype', 'filetype', 'ncmds', 'number_of_segments', 'entry_point', 'fat_magic', 'nfat_arch'],
}

test('module fields have no value for files that their plans rule out', () => {
  let ruledOut = 0
  for (const [module, paths] of Object.entries(fields)) {
    for (const path of paths) {
      const condition = `defined ${module}.${path}`
      assert.notEqual(planOf(condition).slice(0, 3), 'may', condition)
      for (const [i, { engine, plan }] of askAll(condition, strangers).entries()) {
        const head = strangers[i]?.subarray(0, 16) ?? new Uint8Array(0)
        assert.ok(plan || !engine, `${condition} on ${Buffer.from(head).toString('hex')}`)
        if (!plan) ruledOut++
      }
    }
  }
  assert.ok(ruledOut > 500, `${ruledOut} files ruled out`)
})

test('module fields are let through where they have a value', () => {
  for (const [condition, bytes] of [
    ['pe.number_of_sections == 1', program],
    ['pe.number_of_signatures == 1', program],
    ['pe.is_pe', program],
    ['pe.is_32bit()', unsigned],
    [`pe.signatures[0].serial == "${SERIAL}"`, program],
    [`for any s in pe.signatures : ( s.serial == "${SERIAL}" )`, program],
    ['for any i in (0..pe.number_of_signatures) : ( pe.signatures[i].subject contains "AND LLC" )', program],
    ['for any c in pe.signatures[0].certificates : ( c.issuer contains "Test Issuer" )', program],
    ['elf.type == elf.ET_EXEC', elf],
    ['macho.filetype == 2', machO],
  ] as const) {
    assert.deepEqual(ask(condition, bytes), { engine: true, plan: true }, condition)
  }
})

test('what has a value for every file demands nothing', () => {
  for (const condition of [
    'pe.MACHINE_I386 == 332',
    'defined pe.is_pe',
    'pe.imports("kernel32.dll", "ExitProcess") == 0',
    'defined pe.exports("a")',
    'pe.rich_signature.toolid(1) == 0',
    'defined dotnet.is_dotnet',
    'macho.has_dylib("a") == false',
  ]) {
    assert.match(planOf(condition), /^may match/, condition)
  }
})

test('a certificate is looked for by its serial number and by the words of its subject', () => {
  const rule = (serial: string, subject: string) =>
    `pe.signatures[0].serial == "${serial}" and pe.signatures[0].subject contains "${subject}"`
  assert.deepEqual(ask(rule(SERIAL, 'AND LLC'), program), { engine: true, plan: true })
  assert.equal(ask(rule(SERIAL.replace('9a', '9b'), 'AND LLC'), program).plan, false)
  assert.equal(ask(rule(SERIAL, 'ROOT LLC'), program).plan, false)
  assert.equal(ask(rule(SERIAL, 'AND LLC'), unsigned).plan, false)
})

test('names and paths in a program are looked for as they stand in it', () => {
  for (const [condition, plan] of [
    ['pe.sections[0].name == ".text"', true],
    ['for any s in pe.sections : ( s.name startswith ".tex" )', true],
    ['pe.sections[0].name == ".evil"', false],
    ['pe.pdb_path contains "implant.pdb"', false],
    ['pe.exports("DoEvilThings")', false],
    ['pe.version_info["CompanyName"] contains "Evil Inc"', false],
    ['pe.sections[0].name != ".evil"', true],
    ['pe.sections[0].name iequals ".TEXT"', true],
    ['pe.exports("DoEvilThings") == 0', true],
  ] as const) {
    const answer = ask(condition, program)
    assert.equal(answer.plan, plan, condition)
    assert.ok(answer.plan || !answer.engine, condition)
  }
})

test('imported libraries and functions are looked for by their names, unless a number may stand for the name', () => {
  const kernel = importingExecutable('KERNEL32.dll', ['ExitProcess', 'isDebuggerPresent'])
  const sockets = importingExecutable('WS2_32.dll', [19, 'WSAStartup'])
  const numbered = importingExecutable('other.dll', [19])
  const automation = importingExecutable('OLEAUT32.dll', [2])
  const wsock = importingExecutable('wsock32.dll', [19])
  for (const [condition, file, engine, plan] of [
    ['pe.imports("KERNEL32.dll", "ExitProcess")', kernel, true, true],
    ['pe.imports("kernel32.dll", "ExitProcess")', kernel, true, true],
    ['pe.imports("kernel32.dll", "IsDebuggerPresent")', kernel, null, true],
    ['pe.imports("kernel32.dll", "exitprocess")', kernel, null, true],
    ['pe.imports("kernel32.dll")', kernel, true, true],
    ['pe.imports(pe.IMPORT_STANDARD, "kernel32.dll", "ExitProcess")', kernel, true, true],
    ['pe.imports(pe.IMPORT_ANY, "kernel32.dll")', kernel, true, true],
    ['pe.imports(/kernel/i, /exit/i)', kernel, true, true],
    ['pe.imports("kernel32.dll", "CreateProcessA")', kernel, false, false],
    ['pe.imports("kernel33.dll", "ExitProcess")', kernel, false, false],
    ['pe.imports(pe.IMPORT_DELAYED, "kernel33.dll")', kernel, false, false],
    ['pe.imports("kernel32.dll", "ExitProcess") == 1', kernel, null, true],
    ['not pe.imports("kernel32.dll", "CreateProcessA")', kernel, true, true],
    ['pe.imports("kernel32.dll", "CreateProcessA") == 0', kernel, null, true],
    ['pe.imports("ws2_32.dll", "send")', sockets, true, true],
    ['pe.imports("ws2_32.dll", 19)', sockets, true, true],
    ['pe.imports("wsock32.dll", "send")', wsock, true, true],
    ['pe.imports("oleaut32.dll", "SysAllocString")', automation, true, true],
    ['pe.imports("other.dll", "ord19")', numbered, true, true],
    ['pe.imports("other.dll", 19)', numbered, true, true],
    ['pe.imports("other.dll", "send")', numbered, false, false],
    ['pe.imports("kernel32.dll", "ExitProcess")', elf, false, false],
    ['pe.locale(0x0419)', elf, false, false],
    ['pe.language(0x19)', elf, false, false],
  ] as const) {
    const answer = ask(condition, file)
    if (engine !== null) assert.equal(answer.engine, engine, condition)
    assert.equal(answer.plan, plan, condition)
    assert.ok(answer.plan || !answer.engine, condition)
  }
  for (const condition of ['pe.imports("a.dll")', 'pe.imports(/a/, /b/)', 'pe.locale(1)', 'pe.language(1)'])
    for (const { engine, plan } of askAll(condition, strangers)) assert.ok(plan || !engine, condition)
})

test('a GUID of .NET is looked for by its bytes, of which the first eight stand in another order', () => {
  const guid = '00112233-4455-6677-8899-aabbccddeeff'
  const assembly = dotnetExecutable(Buffer.from('33221100554477668899aabbccddeeff', 'hex'))
  const inOrder = dotnetExecutable(Buffer.from(guid.replaceAll('-', ''), 'hex'))
  for (const [condition, engine, plan] of [
    [`dotnet.guids[0] == "${guid}"`, true, true],
    [`dotnet.guids[0] == "${guid.toUpperCase()}"`, null, true],
    [`for any g in dotnet.guids : ( g == "${guid}" )`, true, true],
    [`dotnet.guids[0] iequals "${guid.toUpperCase()}"`, true, true],
    ['dotnet.guids[0] == "00112233-4455-6677-8899-aabbccddeefe"', false, false],
    [`dotnet.guids[0] != "${guid}"`, false, true],
    ['dotnet.guids[0] contains "0011"', true, true],
    [`dotnet.typelib == "${guid}"`, false, true],
  ] as const) {
    const answer = ask(condition, assembly)
    if (engine !== null) assert.equal(answer.engine, engine, condition)
    assert.equal(answer.plan, plan, condition)
    assert.ok(answer.plan || !answer.engine, condition)
  }
  assert.deepEqual(ask(`dotnet.guids[0] == "${guid}"`, inOrder), { engine: false, plan: false })
})

test('a text that no GUID is printed as is asked of no file', () => {
  const assembly = dotnetExecutable(Buffer.from('33221100554477668899aabbccddeeff', 'hex'))
  for (const text of ['00112233-4455-6677-8899-aabbccddeeff0', '00112233445566778899aabbccddeeff', '', 'x'])
    for (const operator of ['==', 'iequals'])
      assert.deepEqual(ask(`dotnet.guids[0] ${operator} "${text}"`, assembly), { engine: false, plan: false }, text)
})

test('fields of .NET have no value without the marks of its metadata, which plans look for', () => {
  const assembly = dotnetExecutable(Buffer.from('33221100554477668899aabbccddeeff', 'hex'))
  const condition = 'dotnet.guids[0] == "00112233-4455-6677-8899-aabbccddeeff"'
  assert.deepEqual(ask('defined dotnet.number_of_streams', assembly), { engine: true, plan: true })
  for (const [mark, asked] of [
    ['BSJB', 'defined dotnet.number_of_streams'],
    ['BSJB', condition],
    ['#GUID', condition],
  ] as const) {
    const at = Buffer.from(assembly).indexOf(mark, 0, 'latin1')
    assert.ok(at > 0, mark)
    for (let i = 0; i < mark.length; i++) {
      const changed = Uint8Array.from(assembly)
      changed[at + i] = (changed[at + i] as number) ^ 0x02
      assert.deepEqual(ask(asked, changed), { engine: false, plan: false }, `${asked}: ${mark}, byte ${i}`)
    }
  }
})

test('a loop over the items of a program demands that there are some', () => {
  const importing = importingExecutable('KERNEL32.dll', ['ExitProcess'])
  for (const [condition, bytes, engine, plan] of [
    [
      'for any i in (0..pe.number_of_resources - 1) : ( pe.resources[i].type == 3 or filesize > 0 )',
      program,
      false,
      false,
    ],
    ['for any i in (0..pe.number_of_sections - 1) : ( filesize > 0 )', program, true, true],
    ['for any i in (1..pe.number_of_sections) : ( filesize > 0 )', program, true, true],
    ['for any i in (2..pe.number_of_sections) : ( filesize > 0 )', program, false, false],
    ['for any i in (1..pe.number_of_sections - 1) : ( filesize > 0 )', program, false, false],
    ['for all i in (0..pe.number_of_imports - 1) : ( filesize > 0 )', importing, true, true],
    ['for any i in (0..filesize - 100000) : ( filesize > 0 )', program, false, false],
    ['for any i in (0..filesize - 10) : ( filesize > 0 )', program, true, true],
  ] as const)
    assert.deepEqual(ask(condition, bytes), { engine, plan }, condition)
})

test('the engine tells the signers of a program, and nobody else has any', () => {
  assert.deepEqual(engineFactsOf(program).signers, Uint32Array.of(signerHash(SERIAL)))
  for (const file of [unsigned, elf, machO, ...strangers])
    assert.deepEqual(engineFactsOf(file).signers, new Uint32Array(0))
  for (let length = 1; length <= 20; length++) {
    const serial = Buffer.from(createHash('sha256').update(`${length}`).digest()).subarray(0, length)
    const printed = (serial.toString('hex').match(/../g) ?? []).join(':')
    const signed = portableExecutable(Buffer.from('some program'), { ...certificate, serial })
    assert.deepEqual(engineFactsOf(signed).signers, Uint32Array.of(signerHash(printed)), printed)
    assert.ok(ask(`pe.signatures[0].serial == "${printed}"`, signed).engine, printed)
  }
})

test('short serial numbers are told apart, which their bytes in the file would not be', () => {
  const body = Buffer.from('0203'.repeat(200), 'hex')
  const short = portableExecutable(body, { ...certificate, serial: Uint8Array.of(1, 2) })
  const one = 'pe.signatures[0].serial'
  for (const [condition, answer] of [
    [`${one} == "01:02"`, true],
    [`${one} == "03"`, false],
    [`${one} iequals "01:02"`, true],
    [`for any i in (0..pe.number_of_signatures) : ( pe.signatures[i].serial == "03" )`, false],
    [`for any s in pe.signatures : ( s.serial == "03" or s.serial == "01:02" )`, true],
    [`for any s in pe.signatures : ( s.serial == "03" or s.serial == "04" )`, false],
    // What is negated demands nothing, and certificates of the chain are not signers.
    [`not ${one} == "03"`, true],
    [`${one} != "03"`, true],
    ['for any c in pe.signatures[0].certificates : ( c.serial == "01:02" )', true],
  ] as const)
    assert.deepEqual(ask(condition, short), { engine: answer, plan: answer }, condition)
})

test('the length before a serial number may be written in more bytes than it needs', () => {
  const long = portableExecutable(Buffer.from('some program'), { ...certificate, longSerialLength: true })
  assert.ok(!Buffer.from(long).includes(Buffer.concat([Uint8Array.of(2, 16), certificate.serial])))
  const condition = `pe.signatures[0].serial == "${SERIAL}"`
  assert.deepEqual(ask(condition, long), { engine: true, plan: true })
})

test('a loop without a round is not true, so that what every round demands is demanded', () => {
  for (const [condition, answers] of [
    ['for all i in (1..#absent) : ( i > 0 )', [false, false]],
    ['for all i in (0..#absent - 1) : ( true )', [false, false]],
    ['for all s in pe.signatures : ( true )', [false, false]],
    ['for all i in (0..pe.number_of_signatures - 1) : ( true )', [false, false]],
    ['for all k, v in pe.version_info : ( true )', [false, false]],
    ['for all s in pe.sections : ( true )', [true, false]],
  ] as const) {
    const text = `import "pe" rule r { strings: $absent = "not in any of them" condition: #absent >= 0 and ${condition} }`
    const scan = engineFor(text)
    assert.deepEqual([scan(unsigned).has('r'), scan(elf).has('r')], answers, condition)
  }
})

test('a digest of the whole file is compared with the one that the index stores', () => {
  const bytes = Buffer.from('abc')
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  assert.deepEqual(ask(`hash.sha256(0, filesize) == "${digest}"`, bytes), { engine: true, plan: true })
  assert.deepEqual(ask(`hash.sha256(0, filesize) iequals "${digest.toUpperCase()}"`, bytes), {
    engine: true,
    plan: true,
  })
  assert.deepEqual(ask(`hash.sha256(0, filesize) == "${digest}"`, Buffer.from('abd')), { engine: false, plan: false })
  assert.match(planOf(`hash.sha256(0, 100) == "${digest}"`), /^may match/)
  assert.match(planOf(`hash.sha256(1, filesize) == "${digest}"`), /^may match/)
})

test('a list of programs in the order of bytes that nobody writes has facts as well', () => {
  const conditions = ['defined macho.magic', 'defined macho.fat_magic', 'macho.nfat_arch == 1']
  let held = 0
  for (const bytes of fatLittleEndian) {
    for (const condition of conditions) {
      const { engine, plan } = ask(condition, bytes)
      assert.ok(!engine || plan, `${condition} on ${bytes.subarray(0, 4).toString('hex')}`)
      if (engine) held++
    }
  }
  assert.ok(held > 0, 'the engine reads them')
})
