/**
 * Ways in which a text, a rule, a string, a condition or a stored plan is not understood, or is more than is looked at.
 * Each text holds a harmless rule, `near`, which matches the samples with an odd number, beside what is difficult.
 */
import { planHeader } from '../../src/planner/index.ts'

export interface Way {
  readonly text: string
  /** What is told when it is saved, where it costs the index. */
  readonly warns?: RegExp
  /** `near` is looked up in the index all the same. */
  readonly keepsNeighbour?: true
  /** SQL for what becomes of the stored plan. */
  readonly damage?: string
  /** Tenants' texts may not be so large. */
  readonly isLarge?: true
}

const near = 'rule near { strings: $a = "odd number" condition: $a }\n'
/** The engine refuses strings that nothing asks for. */
const rule = (condition: string, strings = condition.includes('$b') ? '$b = "odd number"' : '') =>
  `rule way { ${strings === '' ? '' : `strings: ${strings} `}condition: ${condition} }\n`
const nested = (opening: string, inside: string, closing: string, times: number) =>
  opening.repeat(times) + inside + closing.repeat(times)
const numbered = (count: number, each: (n: number) => string, between = ' ') =>
  Array.from({ length: count }, (_, n) => each(n)).join(between)

const parentheses = nested('(', '$b', ')', 600)
const deep = rule(parentheses)
const tooDeep = { warns: /rule way is hunted without the index.*deeper/, keepsNeighbour: true } as const
const stored = (damage: string): Way => ({ text: near, damage })

export const ways: Readonly<Record<string, Way>> = {
  // The text
  'a comment of 17 million characters': {
    text: `${near}/* ${'a comment that goes on '.repeat(17 * 45_000)} */`,
    warns: /without the index.*characters/,
    isLarge: true,
  },
  'no rule but comments': { text: '// nothing\n' },
  'half a character': { text: `${near}// \ud800\n` },
  'private rules only': { text: `private ${near}` },
  // A rule, and those that refer to it
  'parentheses, 600 deep': { text: near + deep, ...tooDeep },
  'the difficult rule first': { text: deep + near, ...tooDeep },
  'not, 600 times': { text: near + rule(`${'not '.repeat(600)}$b`), ...tooDeep },
  'or in parentheses, 300 deep': { text: near + rule(nested('$b or (', '$b', ')', 300)), ...tooDeep },
  'a deep rule that names a rule in a comment': { text: near + deep.replace('condition:', '/* rule */ condition:') },
  'a private deep rule, and one that refers to it': { text: `${near}private ${deep}rule by { condition: way }` },
  'a reference in a not': { text: `${near}${deep}rule by { condition: not way }` },
  'a deep rule among a set': { text: `${near}${deep}rule by { condition: any of (near, way) }` },
  'all of a set': { text: `${near}${deep}rule by { condition: all of (near, way) }` },
  'none of a set': { text: `${near}${deep}rule by { condition: none of (near, way) }` },
  'a global deep rule': { text: `${near}global ${deep}` },
  'a global private deep rule': { text: `${near}global private ${deep}` },
  'rules that refer to each other, 250 of them': {
    text: `${near}rule r0 { strings: $a = "odd number" condition: $a }\n${numbered(250, (n) => {
      return `rule r${n + 1} { strings: $a = "text ${n}" condition: r${n} ${n % 2 === 0 ? 'or' : 'and not'} $a }`
    })}`,
  },
  'a rule that stands 2^40 times in another': {
    text: `${near}rule r0 { strings: $a = "odd number" condition: $a }\n${numbered(40, (n) => {
      return `rule r${n + 1} { strings: $a = "sample number" condition: (r${n} and $a) or (r${n} and filesize > ${n % 9}) }`
    })}`,
  },
  // A condition
  'a sum of 600': { text: near + rule(`filesize > ${numbered(600, () => '0', ' + ')}`) },
  'a constant that saturates': { text: near + rule('filesize < 0x7FFFFFFFFFFFFFFF + 1') },
  'a constant that is rounded': { text: near + rule('filesize > 0x20000000000001 - 0x20000000000000 + 2') },
  'a loop over a variable named like a property': {
    text: near + rule('$b and for any constructor in (0..filesize) : (constructor == 5)'),
  },
  'a variable named like a module': {
    text: `import "pe"\n${near}${rule('for any pe in (0..filesize) : (pe == 3)')}`,
  },
  'variables of variables, 150 deep': {
    text:
      near +
      rule(
        nested('', '', '', 0) +
          numbered(150, (n) => `with v${n + 1} = ${n === 0 ? 'filesize' : `v${n}`} : (`, '') +
          'v150 > 3' +
          ')'.repeat(150),
      ),
  },
  'loops in loops': {
    text:
      near +
      rule(
        'for any i in (0..31) : ( for any j in (0..31) : ( for any k in (0..31) : ( $b in (i..i + j + k + 100) ) ) )',
      ),
    warns: /rule way is hunted without the index.*too large/,
    keepsNeighbour: true,
  },
  'sets of 500 strings': {
    text:
      near +
      rule('2 of them', `$a = "odd number" $b = "sample number" ${numbered(500, (n) => `$s${n} = "text ${n}"`)}`),
  },
  'sets of nameless strings': { text: near + rule('all of them', '$ = "odd number" $ = "sample number"') },
  // A string
  'a brace with a hundred blanks': { text: near + rule('$a', `$a = /od{${' '.repeat(100)}2}/`) },
  'a brace with a blank of its own': { text: near + rule('$a', '$a = /od{\u00852}/') },
  'a class in a class, named like a property': {
    text: near + rule('$a', '$a = /o[[:constructor:]d]d number|odd number/'),
  },
  'an expression with an unknown escape': { text: near + rule('$a', '$a = /\\od{,1}d number/') },
  'alternatives of 500 words': {
    text: near + rule('$a', `$a = /(${numbered(500, (n) => `word${n}x`, '|')}|odd number)/`),
  },
  'repetitions in repetitions': {
    text: near + rule('$a', `$a = /(odd|even|${nested('((', 'odd.?|x', '){2}|y)', 8)}).{0,3}number/`),
  },
  'hex alternatives, 100 deep': {
    text: near + rule('$a', `$a = { 6F ${nested('( 64 | 65 ', '66', ' )', 100)} 64 }`),
  },
  'hex strings without fixed bytes': { text: near + rule('$a', '$a = { 6F ?? 64 [0-500] 6? ?5 72 }') },
  'an xor string of 16 KB': {
    text: near + rule('$a or $b', `$a = "${'0123456789abcdef'.repeat(1_024)}" xor ascii wide $b = "odd number" xor`),
  },
  '300 strings with xor ascii wide': {
    text:
      near +
      rule(
        'any of them',
        // Short ones: each has so many forms that planning them takes longer than all the rest.
        `$a = "odd number" ${numbered(300, (n) => `$s${n} = "s${n + 10_000}" xor ascii wide`)}`,
      ),
    warns: /\d+ strings, from \$s\d+ on, are not looked up in the index/,
    keepsNeighbour: true,
  },
  'names of a hundred thousand letters': {
    text: near + rule('any of them', `$${'n'.repeat(100_000)} = "odd number" xor`),
  },
  'every form of base64': {
    text: near + rule('any of them', '$a = "odd number" base64 base64wide wide ascii $b = "odd number"'),
  },
  // A stored plan
  'a plan of an older planner': stored(`replace(plan, '${planHeader}', 'backtrail-plan 3.2 ')`),
  'a plan of a newer planner': stored(`replace(plan, '${planHeader}', 'backtrail-plan 99.99 ')`),
  'a plan that is cut off': stored('substr(plan, 1, length(plan) - 9)'),
  'a plan that was never stored': stored('NULL'),
  'an empty plan': stored("''"),
  'a plan whose demand was changed': stored(`replace(plan, '"kind":"grams"', '"kind":"never"')`),
}
