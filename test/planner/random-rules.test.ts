/**
 * Plans against the engine on random small rules and random small files: whatever matches must be let through. The files
 * are made of pieces of the rules' own strings, so that most strings are nearly there, and the headers that conditions
 * ask for; the rules reach for every form of the language that a plan looks at.
 *
 * `BACKTRAIL_SEED` repeats a run; `BACKTRAIL_LONG=1` makes it twenty times as long.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { programFields } from '../../src/index/index.ts'
import { mayMatch, planRuleset, printPlan } from '../../src/planner/index.ts'
import type { ExternalVariables } from '../../src/scanning/index.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFactsOf, engineFor } from './engine.ts'
import { exactSignature } from './exact-signature.ts'
import { portableExecutable } from './portable-executable.ts'
import { chosenSeed, type Random, randomFrom } from './random.ts'
import { randomForm } from './string-forms.ts'

const TEXTS = process.env.BACKTRAIL_LONG === '1' ? 600 : 30
/** Compiling costs more by the text than by the rule. */
const RULES_TOGETHER = 20
const FILES = 24

const words = ['MZ', 'abcd', 'Hello', 'kernel32.dll', 'zzzzzzzz', 'A1b2C3d4', 'http://', 'x']

function randomTextString(random: Random): string {
  const modifiers = random.pick([
    '',
    '',
    'nocase',
    'wide',
    'wide ascii',
    'nocase wide',
    'fullword',
    'xor',
    'xor(1-7)',
    'xor wide',
    'xor(32) wide ascii',
    'base64',
    'base64wide',
    'base64 wide',
    'base64 base64wide wide ascii',
    'private',
    'wide fullword',
    'base64("ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba0123456789+/")',
  ])
  const word = random.pick(words)
  return `"${modifiers.includes('base64') || modifiers.includes('xor') ? `${word}${random.pick(words)}` : word}" ${modifiers}`
}

function randomHex(random: Random, depth = 0): string {
  const token = (): string => {
    switch (random.below(depth > 1 ? 7 : 9)) {
      case 0:
        return '??'
      case 1:
        return random.pick(['4?', '?1', '6?', '~00', '~4?'])
      case 2:
        return `[${random.pick(['2', '0-3', '1-4'])}]`
      case 7:
        return `( ${randomHex(random, depth + 1)} | ${randomHex(random, depth + 1)} )`
      default:
        return Buffer.from(random.pick(words)).toString('hex').match(/../g)?.join(' ') ?? '00'
    }
  }
  const middle = Array.from({ length: random.below(4) }, token).join(' ')
  return `61 62 ${middle} ${random.pick(['63', '64 65 66 67', '58'])}`
}

function randomRegexp(random: Random): string {
  const piece = (depth: number): string => {
    switch (random.below(depth > 1 ? 6 : 9)) {
      case 0:
        return '[a-c]'
      case 1:
        return random.pick(['.', '\\w', '\\d', '[^a]', '\\x41', '\\.'])
      case 2:
        return random.pick(['(ab|cd)', 'a?', 'b{2,3}', 'c+', '(xyz){2}', '(a|bc)?', '\\b'])
      case 6:
        return `(${piece(depth + 1)}${piece(depth + 1)}|${piece(depth + 1)})`
      case 7:
        return `(${piece(depth + 1)}${piece(depth + 1)})${random.pick(['', '?', '{1,2}', '+'])}`
      default:
        return random.pick(['Hello', 'abcd', 'kernel', 'MZ'])
    }
  }
  const body = Array.from({ length: 1 + random.below(4) }, () => piece(0)).join('')
  return `/H${body}/${random.pick(['', 'i', 's'])} ${random.pick(['', '', 'wide', 'ascii wide', 'nocase'])}`
}

function randomString(random: Random): string {
  const kind = random.below(4)
  return kind === 0 ? `{ ${randomHex(random)} }` : kind === 1 ? randomRegexp(random) : randomTextString(random)
}

/** Values of the external variables, and what rules compare them with; the engine knows more cases than ASCII. */
const names = ['a.php', 'A.PHP', 'lib.so.6', 'setup.exe', 'Stra\u00dfe.exe', '\u212aelvin', 'kelvin', '']
const asked = ['.php', 'php', 'A', 'lib', 'setup.exe', 'SETUP.EXE', 'K', 'e', '\u00df', '\u212a', '.', '']

function randomVariables(random: Random): ExternalVariables {
  const one = () => random.pick(names)
  return {
    filename: one(),
    filepath: one(),
    extension: one(),
    filetype: random.pick(['EXE', 'ELF', 'TEXT']),
    owner: one(),
  }
}

function randomVariableCondition(random: Random): string {
  const variable = random.pick(['filename', 'filename', 'filepath', 'extension', 'filetype', 'owner'])
  const text = () => JSON.stringify(random.pick([...asked, ...names, 'EXE', 'exe', 'TEXT']))
  switch (random.below(8)) {
    case 0:
      return `${variable} matches ${random.pick(['/\\.(php|exe)$/', '/^SETUP/i', '/k.l/i', '/lib|straSSe/i', '/./', '/[^e]$/'])}`
    case 1:
      return `${text()} ${random.pick(['==', '!='])} ${variable}`
    case 2:
      return `${variable} ${random.pick(['==', '!=', '<', '>='])} ${text()}`
    case 3:
      return `for ${random.pick(['any', 'all', 'none'])} x in (${text()}, ${text()}) : ( ${variable} ${random.pick(['==', 'contains', 'iequals'])} x )`
    case 4:
      return `with x = ${variable} : ( x ${random.pick(['==', '!=', 'endswith'])} ${text()} )`
    case 5:
      return random.pick([variable, `not ${variable}`, `${variable} == ${random.pick(['owner', 'filename'])}`])
    default:
      return `${variable} ${random.pick(['contains', 'icontains', 'startswith', 'istartswith', 'endswith', 'iendswith', 'iequals'])} ${text()}`
  }
}

function randomProgramCondition(random: Random): string {
  const field = random.pick(programFields.filter((name) => !/^is_|imphash|clear_data/.test(name)))
  const number = () => random.pick(['0', '1', '2', '0x14c', '0x102', '0x400', '0x1000', 'pe.DLL', 'pe.MACHINE_I386'])
  switch (random.below(6)) {
    case 0:
      return random.pick(['pe.is_pe', 'pe.is_dll()', 'pe.is_32bit()', 'pe.is_64bit()', `pe.${field}`])
    case 1:
      return `pe.characteristics & ${number()}${random.pick(['', ' == 2', ' != 0'])}`
    case 2:
      return random.pick([
        `pe.imphash() == "${'0'.repeat(32)}"`,
        'pe.rich_signature.key == 0',
        'defined pe.imphash()',
        'pe.imphash() != "a"',
      ])
    default:
      return `pe.${field} ${random.pick(['==', '!=', '<', '<=', '>', '>='])} ${number()}`
  }
}

function randomCondition(random: Random, strings: readonly string[], depth = 0): string {
  const name = () => random.pick(strings)
  const nested = () => randomCondition(random, strings, depth + 1)
  const number = () => random.pick(['0', '1', '2', '3', '10', '0x40', '64', '1KB', '(1 + 1)', '0x5A4D', '0x4D5A', '-1'])
  const compare = () => random.pick(['==', '!=', '<', '<=', '>', '>='])
  const quantifier = () => random.pick(['any', 'all', 'none', '1', '2', '50%', '34%'])
  const read = () =>
    `${random.pick(['u', ''])}int${random.pick(['8', '16', '32', '16be', '32be'])}(${random.pick(['0', '1', '2', 'filesize - 2', '0x3c'])})`
  const leaf = () => {
    switch (random.below(25)) {
      case 22:
      case 23:
        return randomProgramCondition(random)
      case 24:
        return `${name()} at pe.entry_point${random.pick(['', '', ' + 1', ' + 4'])}`
      case 20:
      case 21:
        return randomVariableCondition(random)
      case 0:
        return `#${name().slice(1)}${random.pick(['', '', ' in (0..64)', ' in (0..uint8(1000))', ' in (@b..filesize)'])} ${compare()} ${number()}`
      case 1:
        return `filesize ${compare()} ${number()}`
      case 2:
        return `${read()} ${compare()} ${random.pick([number(), '0x6c6c6548', '0x48656c6c'])}`
      case 3:
        return `${read()} & ${random.pick(['0xff', '0xf0', '0x00ffff', '0xffff'])} ${compare()} ${number()}`
      case 4:
        return `${name()} at ${random.pick(['0', '1', 'filesize - 8', 'uint8(0)', '2'])}`
      case 5:
        return `${name()} in (${random.pick(['0', '0', '1', '3'])}..${random.pick(['4', 'filesize', '64'])})`
      case 6:
        return `${quantifier()} of them`
      case 7:
        return `${quantifier()} of (${name()}, ${name()})`
      case 8:
        return `@${name().slice(1)} ${compare()} ${number()}`
      case 9:
        return `!${name().slice(1)}[1] ${compare()} ${number()}`
      case 10:
        return `any of them in (0..${random.pick(['8', 'filesize'])})`
      case 11:
        return random.pick([
          'hash.md5(0, filesize) == "DIGEST"',
          'pe.is_pe',
          'defined pe.entry_point',
          'pe.number_of_sections == 1',
        ])
      case 12:
        return `#${name().slice(1)} ${random.pick(['+', '-', '*'])} ${random.pick([number(), `#${name().slice(1)}`])} ${compare()} ${number()}`
      case 13:
        return `#${name().slice(1)} ${compare()} ${random.pick(['', '1 + ', '2 * '])}#${name().slice(1)}`
      case 14:
        return `@${name().slice(1)}${random.pick(['', '[1]', '[2]'])} ${compare()} ${random.pick(['0', '1', '3', '7', '63', '80'])}`
      default:
        return name()
    }
  }
  if (depth > 2) return leaf()
  switch (random.below(14)) {
    case 0:
    case 1:
      return `(${nested()} and ${nested()})`
    case 2:
    case 3:
      return `(${nested()} or ${nested()})`
    case 4:
    case 5:
      return `not (${nested()})`
    case 6:
      return `for ${quantifier()} of (${name()}, ${name()}) : ( ${random.pick(['$ at 0', '# > 1', '$', '@ < 4', '$ and filesize > 4'])} )`
    case 7:
      return `for ${random.pick(['any', 'all', 'none', '1', '2'])} i in (${random.pick(['0..2', '0..#a', '1..#a', '0..#b - 1', '1, 2, 3', 'uint8(0)..uint8(1)'])}) : ( ${random.pick(['uint8(i) == 0x4d', '@a[i + 1] < 40', '$a at i', nested()])} )`
    case 8:
      return `with x = uint16(0), y = filesize : ( ${random.pick(['x == 0x5A4D', 'y > 20 and x != 1', 'not (x == 0x5A4D)', nested()])} )`
    case 9:
      return `defined ${random.pick(['uint32(4)', '@a', '@a[2]', '(1 \\ #a)'])}`
    case 10:
      return `${random.pick(['1', '2', 'any', 'all', 'none'])} of (${nested()}, ${nested()}, ${leaf()})`
    default:
      return leaf()
  }
}

/** A file of pieces: parts and wholes of the rule's strings, header bytes, filling. */
function randomFile(random: Random, forms: () => Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  if (random.once(3)) pieces.push(Buffer.from(random.pick(['MZ', 'Hello', '\x7fELF', 'ab', '\x01\x02'])))
  for (let i = random.below(6); i > 0; i--) {
    const form = forms()
    const whole = !random.once(4)
    pieces.push(whole ? form : form.subarray(0, random.below(form.length + 1)))
    if (random.once(2)) pieces.push(random.pick([Uint8Array.of(0), Buffer.from(' '), random.bytes(random.below(9))]))
  }
  const file = Buffer.concat(pieces)
  if (random.once(6)) return portableExecutable(file, null)
  // The end of the file is special to wide strings, whose last zero byte may be missing.
  return random.once(4) ? file.subarray(0, -1) : file
}

/** A text of random rules `r0`, `r1`, …, sometimes with a helper that they refer to. */
function randomText(random: Random): string {
  const kind = random.pick(['', 'private ', 'global ', null, null])
  const helper = random.pick(['filesize > 3', 'not (filesize < 9)', 'uint8(0) != 0x4d'])
  const rules = kind === null ? [] : [`${kind}rule h { condition: ${helper} }`]
  for (let i = 0; i < RULES_TOGETHER; i++) {
    const names = ['$a', '$b', '$c'].slice(0, 2 + random.below(2))
    const strings = names.map((name) => `    ${name} = ${randomString(random)}`).join('\n')
    const reference = kind === null ? '' : random.pick(['', ' and h', ' or h', ' and not h'])
    // The engine refuses a rule that leaves one of its strings unused.
    const condition = `((${randomCondition(random, names)}) and for any of them : (# >= 0))${reference}`
    rules.push(`rule r${i} {\n  strings:\n${strings}\n  condition:\n    ${condition}\n}`)
  }
  return `import "pe"\nimport "hash"\n${rules.join('\n')}\n`
}

test('a plan lets through whatever the engine matches, for random rules and files', (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const count = { texts: 0, matched: 0, ruledOut: 0 }
  for (let round = 0; round < TEXTS; round++) {
    const template = randomText(random)
    const definitions = parse(template).rules.flatMap((rule) => rule.strings)
    const files = Array.from({ length: FILES }, () =>
      randomFile(random, () => randomForm(random.pick(definitions), random)),
    )
    const digest = createHash('md5')
      .update(files[0] as Uint8Array)
      .digest('hex')
    const text = template.replaceAll('DIGEST', digest)
    let scan: ReturnType<typeof engineFor>
    try {
      scan = engineFor(text)
    } catch {
      continue
    }
    count.texts++
    const file = parse(text)
    assert.deepEqual(file.diagnostics, [], text)
    const { rules } = planRuleset(file)
    for (const bytes of files) {
      // Hunts run rules under each of a sample's names; the type is the content's.
      const first = randomVariables(random)
      const variables = Array.from({ length: 1 + random.below(2) }, (_, n) =>
        n === 0 ? first : { ...randomVariables(random), filetype: first.filetype },
      )
      const matches = variables.map((one) => scan(bytes, one))
      const signature = exactSignature(bytes, engineFactsOf(bytes))
      for (const [i, { rule, plan }] of rules.entries()) {
        const passes = mayMatch(plan, signature, variables)
        if (!passes) count.ruledOut++
        assert.ok(!passes || mayMatch(plan, signature), 'names let through what nothing is known of')
        if (!matches.some((found) => found.has(rule))) continue
        count.matched++
        if (passes) continue
        const { from, to } = file.rules[i]?.span ?? { from: 0, to: 0 }
        const hex = Buffer.from(bytes).toString('hex')
        assert.fail(
          `seed ${seed}: the plan misses\n${text.slice(from, to)}\non ${hex} ${JSON.stringify(variables)}\n${printPlan(plan)}`,
        )
      }
    }
  }
  t.diagnostic(`${count.texts} texts of ${RULES_TOGETHER} rules, ${count.matched} matches, ${count.ruledOut} ruled out`)
  const least = TEXTS * RULES_TOGETHER
  assert.ok(count.texts > TEXTS / 2 && count.matched > least && count.ruledOut > least, 'too little was exercised')
})

/** The engine refuses a few random strings, such as base64 of two bytes. */
function compiles(rule: string): boolean {
  try {
    engineFor(rule)
    return true
  } catch {
    return false
  }
}

test('what a string is read as, the engine finds', (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  // Plans are made from the same trees as the forms, so a tree that is wrong would go unnoticed above.
  const sources = Array.from({ length: 300 }, () =>
    random.once(3) ? randomTextString(random) : `{ ${randomHex(random)} }`,
  )
  const rules = sources
    .filter((source) => !source.includes('fullword'))
    .map((source, i) => `rule r${i} { strings: $a = ${source} condition: $a }`)
    .filter(compiles)
  assert.ok(rules.length > 150, `only ${rules.length} random strings are ones that the engine takes`)
  const text = rules.join('\n')
  const scan = engineFor(text)
  for (const [i, rule] of parse(text).rules.entries()) {
    const [string] = rule.strings
    assert.ok(string)
    const form = Buffer.concat([randomForm(string, random), Uint8Array.of(0)])
    assert.ok(scan(form).has(rule.name), `seed ${seed}: ${rules[i]} not in ${form.toString('hex')}`)
  }
})
