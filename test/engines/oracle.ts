/**
 * What a YARA engine must answer: rules, bytes, and the rules that hold. Some are what the language says, and some are the
 * smallest inputs of faults that versions of YARA-X had. An engine that answers otherwise may not run rules of that kind.
 */

export interface Case {
  /** What it is about. */
  readonly kind: string
  readonly rules: string
  /** Scanned one after the other with the same compiled rules. A text is one character a byte. */
  readonly samples: readonly { readonly bytes: string | Uint8Array; readonly holds: string }[]
}

/** One rule called `r`, the texts that it holds for, and those that it does not hold for. */
function rule(kind: string, body: string, yes: readonly string[], no: readonly string[] = [], before = ''): Case {
  const samples = [
    ...yes.map((bytes) => ({ bytes, holds: 'r' })),
    ...no.map((bytes) => ({ bytes, holds: '' })),
    // In the other direction as well: nothing may be left of the scan before.
    ...yes.map((bytes) => ({ bytes, holds: 'r' })),
  ]
  return { kind, rules: `${before}rule r { ${body} }`, samples }
}

const strings = (definition: string, condition = '$a') => `strings: ${definition} condition: ${condition}`

function program(): Uint8Array {
  const bytes = new Uint8Array(1_024)
  const view = new DataView(bytes.buffer)
  const put = (at: number, text: string) => bytes.set(Buffer.from(text, 'latin1'), at)
  put(0, 'MZ')
  view.setUint32(0x3c, 0x80, true)
  put(0x80, 'PE\0\0')
  view.setUint16(0x84, 0x014c, true)
  view.setUint16(0x86, 1, true)
  view.setUint16(0x94, 0xe0, true)
  view.setUint16(0x96, 0x0102, true)
  view.setUint16(0x98, 0x010b, true)
  view.setUint32(0xf4, 16, true)
  put(0x178, '.text')
  view.setUint32(0x180, 0x200, true)
  view.setUint32(0x184, 0x1000, true)
  view.setUint32(0x188, 0x200, true)
  view.setUint32(0x18c, 0x200, true)
  return bytes
}

/** Rules that share a string, the first of which can only hold for a file of some kind. */
function shared(string: string, bytes: string): Case[] {
  const bounds = [
    'filesize > 1MB and $s',
    'filesize < 3 and $s',
    'uint16(0) == 0x5a4d and $s',
    'uint32be(0) == 0x7f454c46 and all of them',
    '$s and (filesize == 1 or filesize == 2)',
    '$s at 1000',
    'filesize > 1MB and for any i in (1..#s) : (@s[i] > 0)',
  ]
  const plain = `rule plain { strings: $p = ${string} condition: $p }`
  const samples = [{ bytes, holds: 'plain' }]
  return bounds.flatMap((bound) => {
    const rules = `rule trigger { strings: $s = ${string} condition: ${bound} }`
    return [
      { kind: 'rules that share a string', rules: `${rules} ${plain}`, samples },
      { kind: 'rules that share a string', rules: `${plain} ${rules}`, samples },
      { kind: 'private rules that share a string', rules: `private ${rules} ${plain}`, samples },
      {
        kind: 'rules that share a string and refer to each other',
        rules: `${rules} rule plain { strings: $p = ${string} condition: $p and not trigger }`,
        samples,
      },
    ]
  })
}

export const cases: readonly Case[] = [
  ...shared('"testtest" fullword', 'testtest\n'),
  ...shared('"testtest"', 'some testtest\n'),
  ...shared('"testtest" nocase', 'some TestTest\n'),
  ...shared('"testtest" wide ascii', 't\0e\0s\0t\0t\0e\0s\0t\0'),
  ...shared('"testtest" xor(1-3)', 'some vgqvvgqv\n'),
  ...shared('"testtest" base64', 'dGVzdHRlc3Q='),
  ...shared('{ 74 65 73 74 ?? 65 }', 'testtest'),
  ...shared('/te[rs]tt?e/', 'testtest'),
  {
    kind: 'a bound in a global rule',
    rules:
      'global rule every { strings: $s = "testtest" condition: filesize > 1MB and $s } rule plain { strings: $p = "testtest" condition: $p }',
    samples: [{ bytes: 'testtest', holds: '' }],
  },

  // ------------------------------------------------------------------------------------------------ text strings
  rule('text', strings('$a = "abcd"'), ['abcd', 'xxabcd', 'abcdxx', 'abcabcd'], ['', 'abc', 'ABCD', 'a\0b\0c\0d\0']),
  rule('text', strings('$a = "a\\x00\\t\\\\\\"b"'), ['a\0\t\\"b'], ['a\t\\"b']),
  rule('nocase', strings('$a = "aBcD1" nocase'), ['ABCD1', 'abcd1', 'xAbCd1'], ['abcd2']),
  rule('wide', strings('$a = "abcd" wide'), ['a\0b\0c\0d\0', 'xa\0b\0c\0d\0'], ['abcd', 'a\0b\0c\0d']),
  rule('wide ascii', strings('$a = "abcd" wide ascii'), ['a\0b\0c\0d\0', 'abcd'], ['a\0bcd']),
  rule('fullword', strings('$a = "abcd" fullword'), ['abcd', '.abcd.', 'xabcd abcd'], ['xabcd', 'abcd1', '1abcd']),
  rule(
    'fullword wide',
    strings('$a = "abcd" wide fullword'),
    ['a\0b\0c\0d\0', '.\0a\0b\0c\0d\0.\0'],
    ['x\0a\0b\0c\0d\0'],
  ),
  rule('xor', strings('$a = "abcd" xor'), ['abcd', '`cbe', '\x9e\x9d\x9c\x9b'], ['abce']),
  rule('xor', strings('$a = "abcd" xor(1-2)'), ['`cbe', 'c`af'], ['abcd', 'bad`x']),
  rule('xor wide', strings('$a = "abcd" xor(1) wide'), ['`\x01c\x01b\x01e\x01'], ['`cbe']),
  rule(
    'base64',
    strings('$a = "backtrail" base64'),
    ['YmFja3RyYWls', 'eGJhY2t0cmFpbA==', 'eHhiYWNrdHJhaWw='],
    ['backtrail'],
  ),
  rule(
    'base64wide',
    strings('$a = "backtrail" base64wide'),
    [[...'YmFja3RyYWls'].join('\0').concat('\0')],
    ['YmFja3RyYWls'],
  ),
  // Constraints of the header once lost these.
  rule('an offset and a modifier', strings('$a = "abcd" nocase', '$a at 0'), ['ABCDx'], ['xABCD']),
  rule('an offset and a modifier', strings('$a = "abcd" wide', '$a at 0'), ['a\0b\0c\0d\0'], ['xa\0b\0c\0d\0']),
  rule('an offset and a modifier', strings('$a = "abcd" xor', '$a at 0'), ['`cbe'], ['x`cbe']),
  rule('an offset and a modifier', strings('$a = "backtrail" base64', '$a at 0'), ['YmFja3RyYWls'], ['xYmFja3RyYWls']),
  rule('an offset', strings('$a = "abcd"', '$a at 4'), ['1234abcd'], ['abcd', '123abcd']),
  rule('an offset', strings('$a = "abcd"', '$a in (2..4)'), ['12abcd', '1234abcd'], ['1abcd', '12345abcd']),
  rule('an offset', strings('$a = "abcd"', '$a at filesize - 4'), ['abcd', 'xxabcd'], ['abcdx']),

  // ------------------------------------------------------------------------------------------------- hex strings
  rule('hex', strings('$a = { 61 62 ?? 64 }'), ['abcd', 'abxd'], ['abce', 'acxd']),
  rule('hex', strings('$a = { 6? ?2 63 64 }'), ['abcd', 'orcd'.replace('r', '\x32')], ['qbcd']),
  rule('hex', strings('$a = { 61 ~62 63 }'), ['axc'], ['abc']),
  rule('hex jumps', strings('$a = { 61 62 [2-4] 63 64 }'), ['ab12cd', 'ab1234cd'], ['ab1cd', 'ab12345cd']),
  rule('hex jumps', strings('$a = { 61 62 [-] 63 64 }'), ['abcd', `ab${'x'.repeat(3_000)}cd`], ['cdab']),
  rule('hex alternatives', strings('$a = { 61 ( 62 | 63 64 | ?? 65 ) 66 }'), ['abf', 'acdf', 'axef'], ['axf']),

  // ------------------------------------------------------------------------------------------ regular expressions
  rule('regexp', strings('$a = /ab+c/'), ['abc', 'abbbc'], ['ac']),
  rule('regexp', strings('$a = /ab.*cd/'), ['abcd', 'ab some cd', 'ab cd cd'], ['ab\ncd']),
  rule('regexp', strings('$a = /ab.*cd/s'), ['ab\ncd'], ['cdab']),
  rule('regexp', strings('$a = /.*abcd/'), ['xxabcd'], ['abc']),
  rule('regexp', strings('$a = /(foo|foobar|ba[rz]){2}x/'), ['foobarx', 'foobarbazx', 'foofoox'], ['foobar', 'barx']),
  rule('regexp', strings('$a = /a{2,4}b/'), ['aab', 'aaaab', 'aaaaaab'], ['ab']),
  rule('regexp', strings('$a = /^abc$/'), ['abc'], ['abcd', 'xabc']),
  rule('regexp', strings('$a = /\\babc\\b/'), ['abc', 'x abc.'], ['xabc', 'abc1']),
  rule('regexp', strings('$a = /ab\\w\\d\\sx/i'), ['ABc1 X'], ['ab-1 x']),
  rule('regexp', strings('$a = /[^a-c]bcd[\\x80-\\xff]/'), ['xbcd\x80'], ['abcd\x80', 'xbcd\x7f']),
  rule('regexp', strings('$a = /ab.{3}cd/ wide'), ['a\0b\x001\x002\x003\0c\0d\0'], ['ab123cd']),
  rule('regexp fullword', strings('$a = /ab[0-9]+/ fullword'), ['ab12', '.ab1.'], ['xab1', 'ab1x']),
  rule('a loose regexp', strings('$a = /ab\\_c\\-d/'), ['ab_c-d'], ['abc']),
  rule('the length of a greedy match', strings('$a = /ab*/', '!a == 4'), ['abbb'], ['abb']),
  rule('the length of alternatives', strings('$a = /a(bb|b)b/', '!a == 4'), ['abbb'], ['abb']),
  rule('the length of alternatives', strings('$a = /a(b|bb)bc/', '!a[1] == 5'), ['abbbc'], ['abbc']),
  rule('the length of hex alternatives', strings('$a = { 61 ( 62 62 | 62 ) 62 }', '!a == 4'), ['abbb'], ['abb']),
  rule('the length in a loop', strings('$a = /a(bb|b)b/', 'for any of them : (!>3)'), ['abbb'], ['abb']),
  rule('the length in a loop', strings('$a = /a(bb|b)b/', 'for any of them : (!&4 == 4)'), ['abbb'], ['abb']),
  rule('the length of repeated letters', strings('$a = /1a*aa/i', '!a == 5'), ['1aaaa'], ['1aa']),
  rule('the length of repeated letters', strings('$a = /x1a*aa/ nocase', '!a == 6'), ['x1aAaa'], ['x1aa']),
  rule('words that may end', strings('$a = /b1?./ fullword'), [' b1 x'], ['xb1x']),
  rule(
    'the length of alternatives',
    strings('$a = /xy(a|ab|abc)/', 'for any i in (1..#a) : (!a[i] == 3)'),
    ['xyabc'],
    ['xyc'],
  ),

  // -------------------------------------------------------------------------------------------------- conditions
  rule('counts', strings('$a = "ab"', '#a == 3'), ['ab ab ab'], ['ab ab', 'ab ab ab ab']),
  rule('counts', strings('$a = "aa"', '#a == 3'), ['aaaa'], ['aaa']),
  rule('counts', strings('$a = "ab"', '#a in (0..4) == 1'), ['ab12345ab'], ['abxab']),
  rule('offsets', strings('$a = "ab"', '@a[2] == 3 and @a == 0'), ['ab ab'], ['ab', ' ab ab']),
  rule('of', strings('$a1 = "one1" $a2 = "two2" $b = "three3"', '2 of them'), ['one1 two2', 'two2 three3'], ['one1']),
  rule(
    'of',
    strings('$a1 = "one1" $a2 = "two2" $b = "three3"', 'all of ($a*) and $b'),
    ['one1two2three3'],
    ['one1 three3'],
  ),
  rule('of', strings('$a1 = "one1" $a2 = "two2"', 'none of them'), ['', 'x'], ['one1']),
  rule('of', strings('$a1 = "one1" $a2 = "two2"', '50% of them'), ['one1', 'one1two2'], ['x']),
  rule('of', strings('$a1 = "one1" $a2 = "two2"', 'any of them at 2'), ['xxone1'], ['one1']),
  rule('of', strings('$a1 = "one1" $a2 = "two2"', 'any of them in (1..3)'), ['xxone1'], ['one1', 'xxxxone1']),
  rule('loops', strings('$a = "ab"', 'for all i in (1..#a) : (@a[i] % 2 == 0)'), ['abab', 'ab'], ['abxab', '']),
  rule('loops', 'condition: for any i in (0..3) : (uint8(i) == 0x41)', ['xxxA', 'A'], ['xxxxA', '']),
  rule('loops', strings('$a = "one1" $b = "two2"', 'for any of them : (# > 1)'), ['two2two2'], ['one1two2']),
  rule('loops', strings('$a = "one1" $b = "two2"', 'for 2 of them : ($ at 0 or $ at 4)'), ['one1two2'], ['one1 two2']),
  rule('integers', 'condition: uint16be(0) == 0x4142 and uint32(0) == 0x44434241', ['ABCD'], ['ABC', 'BACD']),
  rule('integers', 'condition: int8(0) == -1 and int16(0) == -1', ['\xff\xff'], ['\xff\x7f', '\xff']),
  rule('integers', 'condition: uint8(0) + 0x10 * 2 - 1 == 0x60 \\ 1', ['\x41'], ['\x40']),
  rule('what is undefined', 'condition: not (uint32(100) == 0)', ['x'.repeat(104)], ['', 'abc']),
  rule('what is undefined', 'condition: not defined uint32(100) and (uint32(100) == 0 or true)', ['', 'abc']),
  rule('what is undefined', strings('$a = "ab"', 'not defined @a[3] and not defined (@a[3] >= 0)'), ['ab ab', '']),
  rule('file size', 'condition: filesize > 2 and filesize < 4', ['abc'], ['ab', 'abcd']),
  rule('file size and floats', 'condition: filesize > 2.5', ['abc'], ['ab', '']),
  rule('file size and floats', 'condition: filesize < 2.5 and 0.5 < filesize', ['ab', 'a'], ['abc', '']),
  rule('file size and floats', 'condition: filesize == 3.0', ['abc'], ['ab']),
  rule(
    'text operators',
    'condition: "AbC" icontains "bc" and "abc" startswith "ab" and "abc" endswith "bc" and "ABC" iequals "abc"',
    [''],
  ),
  rule('text operators', 'condition: "abcabc" matches /b+c/ or "x" matches /y/', ['']),
  rule('text operators', 'condition: "x" matches /y/ or "z" matches /z$/ or "abc" matches /^bc/', ['']),
  rule('with', 'condition: with x = uint8(0), y = x + 1 : (y == 0x42)', ['A'], ['B', '']),
  rule('not', strings('$a = "abcd" $b = "efgh"', 'not $a and not ($b and filesize > 100)'), ['efgh', ''], ['abcd']),

  // ----------------------------------------------------------------------------------------- rules and modules
  {
    kind: 'references',
    rules:
      'private rule a { strings: $a = "abcd" condition: $a } rule b { condition: a } rule c { condition: not b } rule d { condition: b and not c }',
    samples: [
      { bytes: 'abcd', holds: 'b d' },
      { bytes: 'x', holds: 'c' },
      { bytes: 'abcd', holds: 'b d' },
    ],
  },
  {
    kind: 'global rules',
    rules:
      'global private rule big { condition: filesize > 3 } rule b { strings: $a = "ab" condition: $a } rule c { condition: not b }',
    samples: [
      { bytes: 'abcd', holds: 'b' },
      { bytes: 'ab', holds: '' },
      { bytes: 'wxyz', holds: 'c' },
    ],
  },
  {
    kind: 'modules from one scan to the next',
    rules:
      'import "pe" rule is { condition: pe.is_pe and pe.number_of_sections == 1 } rule isnt { condition: not pe.is_pe and not defined pe.entry_point } rule named { condition: for any s in pe.sections : (s.name == ".text") }',
    samples: [
      { bytes: program(), holds: 'is named' },
      { bytes: 'no program', holds: 'isnt' },
      { bytes: program(), holds: 'is named' },
      { bytes: '', holds: 'isnt' },
    ],
  },
  rule(
    'hash',
    'condition: hash.md5(0, 3) == "900150983cd24fb0d6963f7d28e17f72"',
    ['abc', 'abcd'],
    ['xabc', ''],
    'import "hash" ',
  ),
  rule(
    'hash',
    'condition: hash.sha256(0, filesize) startswith "ba7816bf" and hash.crc32(0, 3) == 0x352441c2',
    ['abc'],
    ['abd'],
    'import "hash" ',
  ),
  rule(
    'math',
    'condition: math.entropy(0, filesize) < 1.0 and math.mean(0, 2) == 97.0',
    ['aaaa'],
    ['abcdefgh'],
    'import "math" ',
  ),
  rule('string', 'condition: string.to_int("16") == 16 and string.length("abc") == 3', [''], [], 'import "string" '),
  rule('variables', 'condition: filename == "" and extension == ""', ['', 'a']),
]
