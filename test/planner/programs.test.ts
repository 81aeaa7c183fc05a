/**
 * What `src/planner/programs.ts` says of the header of Windows programs, held against the engine: every field, with
 * every operator, its contrary, and under masks, on programs whose headers were damaged at random.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeProgram, type FieldValue, type ProgramField, programFields } from '../../src/index/index.ts'
import { mayMatch, planRuleset, printPlan } from '../../src/planner/index.ts'
import { programConstants } from '../../src/planner/programs.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFactsOf, engineFor } from './engine.ts'
import { exactSignature } from './exact-signature.ts'
import { ENTRY_OFFSET, importingExecutable, portableExecutable } from './portable-executable.ts'
import { chosenSeed, randomFrom } from './random.ts'

const texts: ReadonlySet<ProgramField> = new Set(['imphash()', 'rich_signature.clear_data'])
const numbers = programFields.filter((field) => !texts.has(field) && !field.startsWith('is_'))

const body = Buffer.from(
  '\x60\xe8\0\0\0\0\x5dEntry point of a program, and more of it than is kept: '.padEnd(90, '.'),
  'latin1',
)
const certificate = { serial: Uint8Array.of(1, 2), subject: 'AND LLC', notAfter: 1408182400 }
const plain = Buffer.from(portableExecutable(body, null))
const library = Buffer.from(plain)
library.writeUInt16LE(0x2102, 0x80 + 22)
const importing = Buffer.from(importingExecutable('KERNEL32.dll', ['ExitProcess', 'VirtualAlloc']))
/** Bytes behind the last section. */
const overlay = Buffer.concat([plain, Buffer.from('appended')])
/** A DOS stub with the header that linkers write behind it. */
const rich = Buffer.from(plain)
const key = 0x12345678
for (const [n, word] of [0x536e6144, 0, 0, 0, 0x00010002, 5].entries())
  rich.writeUInt32LE((word ^ key) >>> 0, 0x40 + 4 * n)
rich.write('Rich', 0x58, 'latin1')
rich.writeUInt32LE(key, 0x5c)
/** A 64-bit program; its image base has more than 32 bits. */
const wide = Buffer.from(plain)
wide.writeUInt16LE(0x20b, 0x80 + 24)
wide.writeBigUInt64LE(0x140000000n, 0x80 + 24 + 24)
const programs = [plain, wide, library, importing, overlay, rich, Buffer.from(portableExecutable(body, certificate))]

const strings = [
  '$at = { 60 E8 00 00 ?? 00 5D 45 6E }',
  '$jump = { 60 E8 [2-6] 5D }',
  '$other = { 60 E8 01 00 00 00 5D }',
  '$text = "ENTRY" nocase',
  '$wide = "Entry" wide ascii',
  '$long = "Entry point of a program, and more of it than is kept: ...."',
  '$regexp = /Entry.point/',
  '$absent = "nowhere"',
]

function conditionsOf(values: readonly number[]): string[] {
  const compared = numbers.flatMap((field) =>
    ['==', '!=', '<', '<=', '>', '>='].flatMap((operator) =>
      values.map((value, n) => (n % 2 === 0 ? `pe.${field} ${operator} ${value}` : `${value} ${operator} pe.${field}`)),
    ),
  )
  const masked = ['characteristics', 'machine', 'timestamp', 'dll_characteristics'].flatMap((field) => [
    `pe.${field} & pe.DLL`,
    `pe.${field} & 0x2 == 2`,
    `0xff00 & pe.${field} != 0`,
    `pe.${field} & 0x100 > 0 and pe.${field} & pe.EXECUTABLE_IMAGE != 0`,
    `pe.${field} & -1 == 0`,
  ])
  const alone = ['pe.is_pe', 'pe.is_dll()', 'pe.is_32bit()', 'pe.is_64bit()', ...numbers.map((field) => `pe.${field}`)]
  const named = [
    ...['MACHINE_I386', 'MACHINE_AMD64'].map((name) => `pe.machine == pe.${name}`),
    'pe.subsystem == pe.SUBSYSTEM_WINDOWS_GUI',
    'pe.subsystem != pe.SUBSYSTEM_NATIVE',
    'for any n in (1, 2, 3) : ( pe.number_of_sections == n )',
    'with n = pe.number_of_sections : ( n > 1 or n == 0 )',
  ]
  const hashes = [importing, plain].map((bytes) => hashOf(bytes, 'pe.imphash()'))
  const texts = hashes.flatMap((hash) => [`pe.imphash() == "${hash}"`, `"${hash.toUpperCase()}" == pe.imphash()`])
  const clear = `hash.md5(pe.rich_signature.clear_data) == "${hashOf(rich, 'hash.md5(pe.rich_signature.clear_data)')}"`
  const entry = strings.flatMap((string) => {
    const name = string.split(' ')[0]
    return [
      'pe.entry_point',
      'pe.entry_point + 7',
      '5 + pe.entry_point',
      'pe.entry_point + 9',
      'pe.entry_point_raw',
    ].map((at) => `${name} at ${at}`)
  })
  return [...compared, ...masked, ...alone, ...named, ...texts, clear, ...entry].flatMap((one) => [one, `not (${one})`])
}

/** The text that the engine has for a field of a program, found digit by digit; empty for none. */
function hashOf(bytes: Uint8Array, field: string): string {
  const digits = '0123456789abcdef'
  const rules = Array.from({ length: 32 }, (_, n) =>
    [...digits].map((digit) => `rule d${n}_${digit} { condition: ${field} matches /^.{${n}}${digit}/ }`),
  ).flat()
  const found = engineFor(`import "pe"\nimport "hash"\n${rules.join('\n')}`)(bytes)
  const places = Array.from({ length: 32 }, (_, n) => [...digits].find((digit) => found.has(`d${n}_${digit}`)) ?? '')
  return places.join('')
}

/** Each program, and again with its header damaged, cut off, or no longer recognised. */
function damaged(): Buffer[] {
  const seed = chosenSeed()
  console.log(`seed: ${seed}`)
  const random = randomFrom(seed)
  return programs.flatMap((program) => {
    const variants = [
      program,
      program.subarray(0, 0x90),
      program.subarray(0, 0x100),
      program.subarray(0, 0x420),
      program.subarray(0, ENTRY_OFFSET + 9),
    ]
    for (let n = 0; n < 40; n++) {
      const changed = Buffer.from(program)
      for (let i = 1 + random.below(3); i > 0; i--) {
        const at = random.once(8) ? random.below(0x40) : 0x40 + random.below(0x180)
        changed[at] = random.pick([0, 1, 2, 0xff, random.below(256)])
      }
      variants.push(changed)
    }
    return variants
  })
}

test('what the index says of a program is what the engine says, true or not, with a value or without', (t) => {
  const conditions = conditionsOf([
    0, 1, 2, 3, 0x102, 0x14c, 0x400, 0x600, 0x1000, 0x400000, 0xffffffff, 0x100000000, -1,
  ])
  const rules = conditions.map(
    (condition, n) =>
      `rule r${n} { strings: ${strings.join(' ')} condition: (${condition}) and for all of them : (# >= 0) }`,
  )
  const bare = conditions.map((condition, n) =>
    condition.includes('$') ? rules[n] : `rule r${n} { condition: ${condition} }`,
  )
  const text = `import "pe"\nimport "hash"\n${bare.join('\n')}`
  const plans = planRuleset(parse(text)).rules.map(({ plan }) => plan)
  const scan = engineFor(text)
  const count = { exactly: 0, inAll: 0, found: 0 }
  for (const bytes of damaged()) {
    const found = scan(bytes)
    const signature = exactSignature(bytes, engineFactsOf(bytes))
    const unknown = exactSignature(bytes)
    for (const [n, condition] of conditions.entries()) {
      const plan = plans[n] as (typeof plans)[number]
      const holds = found.has(`r${n}`)
      const passes = mayMatch(plan, signature)
      const what = () => `${condition} on ${bytes.toString('hex', 0, 0x180)}\n${printPlan(plan)}`
      assert.ok(passes || !holds, what())
      assert.ok(mayMatch(plan, unknown) || !holds, `unknown: ${what()}`)
      count.inAll++
      if (holds) count.found++
      if (passes === holds) count.exactly++
    }
  }
  t.diagnostic(`${count.exactly} of ${count.inAll} are decided, ${count.found} hold`)
  assert.ok(count.exactly > 0.9 * count.inAll && count.found > 0.1 * count.inAll, JSON.stringify(count))
})

test('the constants of the module have the values that the engine gives them', () => {
  const names = Object.entries(programConstants)
  const rules = names.map(([name, value]) => `rule ${name} { condition: pe.${name} == ${value} }`)
  const found = engineFor(`import "pe"\n${rules.join('\n')}`)(Buffer.from('nothing'))
  assert.deepEqual(
    names.filter(([name]) => !found.has(name)),
    [],
  )
})

test('fields that are not known, and programs that are not, may be anything', () => {
  const values = (value: FieldValue) =>
    Object.fromEntries(programFields.map((field) => [field, value])) as Record<ProgramField, FieldValue>
  const [unknown, valueless] = [values('unknown'), values('undefined')].map((of) => encodeProgram(of, body))
  for (const [condition, expected] of [
    ['pe.timestamp == 5', [true, true, false, false]],
    ['not pe.timestamp == 5', [true, true, true, true]],
    ['pe.imphash() == "00000000000000000000000000000000"', [true, true, false, false]],
    ['pe.is_dll()', [true, true, false, false]],
    ['not pe.is_dll()', [true, true, true, true]],
    ['pe.number_of_sections < 0', [true, true, false, false]],
    ['not pe.number_of_sections >= 0', [true, true, true, true]],
    ['pe.image_base > 0xffffffff', [true, true, false, false]],
  ] as const) {
    const [rule] = planRuleset(parse(`import "pe" rule r { condition: ${condition} }`)).rules
    const answers = [null, unknown, valueless, new Uint32Array(0)].map((program) => {
      const signature = exactSignature(plain, { signers: null, program: program as Uint32Array | null })
      return mayMatch(rule?.plan as NonNullable<typeof rule>['plan'], signature)
    })
    assert.deepEqual(answers, expected, condition)
  }
})
