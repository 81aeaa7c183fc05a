/**
 * What `src/programs` reads in programs, held against the engine: on programs that were made for it, on those of this
 * machine, and on ones that were damaged at random.
 */
import assert from 'node:assert/strict'
import { closeSync, globSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { type ProgramFacts, readProgram, traitsOf } from '../../src/programs/index.ts'
import { engineFor, programFactsOf } from '../planner/engine.ts'
import {
  dotnetExecutable,
  elfExecutable,
  importingExecutable,
  portableExecutable,
} from '../planner/portable-executable.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { asManyFacts, builtMachO, builtProgram, builtUniversal, version } from './built-programs.ts'

const body = Buffer.from('The body of a program. '.repeat(40))
const certificate = { serial: Uint8Array.of(0x77, 0x01, 0x9a), subject: 'AND LLC', notAfter: 1_408_182_400 }
const imports = { 'KERNEL32.dll': ['ExitProcess', 'VirtualAlloc'], 'wininet.dll': ['InternetOpenA'] }

/** By what they are. */
const made: Readonly<Record<string, Buffer>> = {
  plain: Buffer.from(portableExecutable(body, null)),
  signed: Buffer.from(portableExecutable(body, certificate)),
  'imports by name': Buffer.from(importingExecutable('KERNEL32.dll', ['ExitProcess', 'VirtualAlloc'])),
  'imports by number': builtProgram({ imports: { 'unknown.ocx': [7, 8, 'named'] } }),
  'imports by number that the engine has names for': builtProgram({
    imports: { 'WS2_32.dll': [3, 4, 9, 115, 'send'], 'OLEAUT32.dll': [2, 6, 9] },
  }),
  ...asManyFacts(),
  'dotnet without tables': Buffer.from(dotnetExecutable(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))),
  'reproducible, with an overlay': builtProgram({ pdb: 'x.pdb', isReproducible: true, behind: 'appended' }),
  elf: Buffer.from(elfExecutable(body)),
  macho: builtMachO(),
  universal: builtUniversal(),
}

const MOST_BYTES = 4_000_000
const MOST_FILES = 10

/** Programs that are on the machine, at most so many of each kind. */
function found(patterns: readonly string[], magic: string): string[] {
  const files = new Set<string>()
  for (const path of globSync([...patterns])) {
    if (files.size >= MOST_FILES) break
    try {
      const real = realpathSync(path)
      const { size } = statSync(real)
      if (size <= MOST_BYTES && startsWith(real, magic)) files.add(real)
    } catch {
      // Not for us to read.
    }
  }
  return [...files]
}

function startsWith(path: string, magic: string): boolean {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(magic.length)
    readSync(file, head, 0, head.length, 0)
    return head.toString('latin1') === magic
  } finally {
    closeSync(file)
  }
}

/** A text as the engine has it. */
function quoted(value: string): string {
  const escaped = [...Buffer.from(value, 'utf8')].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  )
  return `"${escaped.join('')}"`
}

/** What must hold for a program that facts were read of. */
function conditionsOf(facts: ProgramFacts): string[] {
  return facts.format.startsWith('PE') ? ofPe(facts) : facts.format.startsWith('ELF') ? ofElf(facts) : ofMachO(facts)
}

function ofPe(facts: ProgramFacts): string[] {
  const { dotnet, imphash, imports, exports, sections, signers, overlay, resources } = facts
  const nothing = 'd41d8cd98f00b204e9800998ecf8427e'
  return [
    'pe.is_pe',
    facts.format === 'PE32+' ? 'pe.is_64bit()' : 'pe.is_32bit()',
    `pe.timestamp == ${facts.compiled ?? 0}`,
    `pe.entry_point_raw == ${facts.entry}`,
    imphash === null ? `not defined pe.imphash() or pe.imphash() == "${nothing}"` : `pe.imphash() == "${imphash}"`,
    facts.richHash === null
      ? 'not defined pe.rich_signature.clear_data'
      : `hash.md5(pe.rich_signature.clear_data) == "${facts.richHash}"`,
    `pe.number_of_sections == ${sections?.count}`,
    ...(sections?.first ?? [])
      .slice(0, 12)
      .flatMap(({ name, size, virtualSize, entropy }, n) => [
        `pe.sections[${n}].name == ${quoted(name)}`,
        `pe.sections[${n}].raw_data_size == ${size}`,
        `pe.sections[${n}].virtual_size == ${virtualSize}`,
        entropy === null ? 'true' : entropyOf(`pe.sections[${n}].raw_data_offset`, size, entropy),
      ]),
    `pe.number_of_imports == ${imports?.count}`,
    `pe.number_of_imported_functions == ${facts.importedFunctions}`,
    ...(imports?.first ?? [])
      .slice(0, 12)
      .map(({ name }) => `for any library in pe.import_details : (library.library_name == ${quoted(name)})`),
    `pe.number_of_exports == ${exports?.count}`,
    ...(exports?.first ?? []).slice(0, 12).map((name) => `pe.exports(${quoted(name)})`),
    ...(signers ?? []).map(({ serial }) => `for any signature in pe.signatures : (signature.serial == "${serial}")`),
    ...(signers ?? []).map(
      ({ subject }) => `for any signature in pe.signatures : (signature.subject contains ${quoted(subject)})`,
    ),
    signers?.length === 0 ? 'pe.number_of_signatures == 0' : 'pe.number_of_signatures > 0',
    ...Object.entries(facts.version).map(([name, value]) => `pe.version_info[${quoted(name)}] == ${quoted(value)}`),
    facts.pdb === null ? 'not defined pe.pdb_path or pe.pdb_path == ""' : `pe.pdb_path == ${quoted(facts.pdb)}`,
    overlay === null ? 'pe.overlay.size == 0 or not defined pe.overlay.size' : `pe.overlay.size == ${overlay.size}`,
    overlay === null ? 'true' : `pe.overlay.offset == ${overlay.offset}`,
    `pe.number_of_resources == ${resources?.count}`,
    dotnet === null ? 'not dotnet.is_dotnet' : 'dotnet.is_dotnet',
    ...(dotnet ? [`dotnet.version == ${quoted(dotnet.version)}`] : []),
    ...(dotnet?.module ? [`dotnet.module_name == ${quoted(dotnet.module)}`] : []),
    ...(dotnet?.mvid ? [`for any guid in dotnet.guids : (guid == "${dotnet.mvid}")`] : []),
  ]
}

/** Of large sections the engine measures all bytes, and we some. */
function entropyOf(offset: string, size: number, bits: number): string {
  const near = size > 1024 * 1024 ? 0.3 : 0.0011
  const measured = `math.entropy(${offset}, ${size})`
  return `${measured} > ${(bits - near).toFixed(4)} and ${measured} < ${(bits + near).toFixed(4)}`
}

function ofElf({ sections }: ProgramFacts): string[] {
  const count = sections?.count ?? 0
  return [
    // The first one stands for none, and only the engine counts it.
    `elf.number_of_sections == ${count === 0 ? 0 : count + 1}`,
    ...(sections?.first ?? [])
      .slice(0, 12)
      .flatMap(({ name, virtualSize, entropy }, n) => [
        `elf.sections[${n + 1}].name == ${quoted(name)}`,
        `elf.sections[${n + 1}].size == ${virtualSize}`,
        entropy === null ? 'true' : entropyOf(`elf.sections[${n + 1}].offset`, virtualSize, entropy),
      ]),
  ]
}

function ofMachO({ format, machines, imports }: ProgramFacts): string[] {
  if (format === 'Mach-O universal') return [`macho.nfat_arch == ${machines.length}`]
  return (imports?.first ?? []).map(({ name }) => `for any dylib in macho.dylibs : (dylib.name == ${quoted(name)})`)
}

function disagreements(bytes: Buffer): string[] {
  const facts = programFactsOf(bytes)
  assert.ok(facts, 'it is a program')
  const conditions = conditionsOf(facts)
  const modules = ['pe', 'elf', 'macho', 'dotnet', 'math', 'hash'].map((module) => `import "${module}"`)
  const rules = conditions.map((condition, n) => `rule r${n} { condition: ${condition} }`)
  const holding = engineFor([...modules, ...rules].join('\n'))(bytes)
  return conditions.filter((_, n) => !holding.has(`r${n}`))
}

test('what is read in a program is what the engine reads in it', () => {
  const wrong = Object.entries(made).map(([name, bytes]) => [name, disagreements(bytes)])
  assert.deepEqual(Object.fromEntries(wrong), Object.fromEntries(Object.keys(made).map((name) => [name, []])))
})

test('it is also in the programs of this machine', (t) => {
  const elf = found(['/usr/bin/*', '/usr/lib/x86_64-linux-gnu/*.so*'], '\x7fELF')
  const pe = found(['/usr/lib/python3*/**/*.exe', '/usr/share/**/*.{exe,dll}', '/usr/lib/**/*.{exe,dll,efi}'], 'MZ')
  t.diagnostic(`${elf.length} of Linux, ${pe.length} of Windows`)
  assert.ok(elf.length > 0)
  const wrong = [...elf, ...pe].map((path) => [path, disagreements(readFileSync(path))] as const)
  assert.deepEqual(
    wrong.filter(([, conditions]) => conditions.length > 0),
    [],
  )
})

test('a program has the facts that it was made with', () => {
  const facts = programFactsOf(made.everything as Buffer)
  assert.ok(facts)
  assert.deepEqual(
    { ...facts, sections: null, imphash: null, richHash: null, overlay: null },
    {
      format: 'PE32',
      machines: ['x86'],
      compiled: 0x5f3759df,
      isReproducible: false,
      entry: 0x1000,
      subsystem: 'GUI',
      imphash: null,
      richHash: null,
      sections: null,
      imports: {
        count: 2,
        first: [
          { name: 'KERNEL32.dll', functions: 2 },
          { name: 'wininet.dll', functions: 1 },
        ],
      },
      importedFunctions: 3,
      exports: { count: 2, first: ['ServiceMain', 'run'] },
      signers: [{ subject: 'AND LLC', issuer: 'Test Issuer', serial: '77:01:9a' }],
      version,
      pdb: 'C:\\b\\ü.pdb',
      buildId: '33221100-5544-7766-8899-aabbccddeeff-7',
      overlay: null,
      resources: {
        count: 4,
        first: [
          { type: 'icon', count: 2, bytes: 19 },
          { type: 'version', count: 1, bytes: facts.resources?.first[1]?.bytes },
          { type: 'manifest', count: 1, bytes: 11 },
        ],
      },
      dotnet: null,
    },
  )
  assert.match(facts.imphash ?? '', /^[0-9a-f]{32}$/)
  assert.match(facts.richHash ?? '', /^[0-9a-f]{32}$/)
  assert.ok(programFactsOf(made['reproducible, with an overlay'] as Buffer)?.isReproducible)
  const macho = programFactsOf(made.universal as Buffer)
  assert.deepEqual(macho?.machines, ['x86-64', 'ARM64'])
  assert.deepEqual(
    macho?.sections?.first.map(({ name, entropy }) => [name, entropy]),
    [
      ['__TEXT,__text', 8],
      ['__TEXT,__cstring', 0],
    ],
  )
  assert.deepEqual(macho?.exports, { count: 1, first: ['_exported'] })
  assert.equal(macho?.importedFunctions, 1)
  assert.equal(macho?.buildId, '00112233-4455-6677-8899-aabbccddeeff')
})

test('whatever is damaged, reading ends, is bounded, and says nothing that the engine denies of hashes', () => {
  const seed = chosenSeed()
  console.log(`seed: ${seed}`)
  const random = randomFrom(seed)
  for (const [name, bytes] of Object.entries(made)) {
    for (let n = 0; n < 150; n++) {
      const changed = Buffer.from(random.once(6) ? bytes.subarray(0, random.below(bytes.length)) : bytes)
      for (let i = 1 + random.below(4); i > 0 && changed.length > 0; i--) {
        // Most of what leads from one place to another stands in the first bytes, and in the body's first kilobytes.
        const at = random.below(Math.min(changed.length, random.once(2) ? 0x200 : 0x1400))
        changed[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)])
      }
      const facts = readProgram(changed)
      const size = JSON.stringify(facts).length
      assert.ok(size < 100_000, `${name}: ${size} characters`)
      assert.ok(facts === null || traitsOf(facts).length < 400)
      if (n % 5 !== 0) continue
      const hash = programFactsOf(changed)?.imphash
      if (!hash) continue
      const holding = engineFor(`import "pe" rule r { condition: pe.imphash() == "${hash}" }`)(changed)
      assert.ok(holding.has('r'), `${name}: ${changed.toString('hex', 0, 0x200)}`)
    }
  }
})

test('headers that claim more than any program has cost no more than the file is long', () => {
  // 96 sections that are all of the file, and lists of imports that lead to each other.
  const large = Buffer.concat([builtProgram({ imports }), Buffer.alloc(8 << 20, 'x')])
  large.writeUInt16LE(96, 0x80 + 6)
  for (let n = 0; n < 96; n++) {
    const section = 0x80 + 24 + 0xe0 + 40 * n
    large.writeUInt32LE(large.length, section + 8)
    large.writeUInt32LE(0x1000, section + 12)
    large.writeUInt32LE(large.length - 0x2000, section + 16)
    large.writeUInt32LE(0x400, section + 20)
  }
  const facts = readProgram(large)
  assert.equal(facts?.sections?.first.filter(({ entropy }) => entropy !== null).length, 1)
})
