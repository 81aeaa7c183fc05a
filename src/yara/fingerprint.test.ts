import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fingerprints } from './fingerprint.ts'
import { parse } from './parse.ts'

function print(text: string, rule = 'b'): string {
  const file = parse(text)
  assert.deepEqual(file.diagnostics, [], text)
  const found = fingerprints(file, text).get(rule)
  assert.ok(found, `no rule ${rule} in ${text}`)
  return found
}

const base = 'import "pe" rule a { condition: filesize > 1024 } rule b { strings: $s = "text" condition: $s and a }'

test('blanks, comments, metadata, tags and ways to write a number leave a fingerprint as it is', () => {
  for (const same of [
    base.replaceAll(' ', ' \n\t/* c */ '),
    base.replace('1024', '1KB'),
    base.replace('1024', '0x400'),
    base.replace('rule b {', 'rule b : tag { meta: author = "me"'),
    base.replace('"text"', '"te\\x78t"'),
    base.replace('$s and a', '(($s) and a)'),
  ]) {
    assert.equal(print(same), print(base), same)
  }
})

test('whatever changes what a rule matches, or whether it is reported, changes its fingerprint', () => {
  const others = [
    base.replace('"text"', '"test"'),
    base.replace('"text"', '"text" wide'),
    base.replace('"text"', '{ 74 65 78 74 }'),
    base.replace('"text"', '/text/'),
    base.replace('"text"', '/text/i'),
    base.replace('$s and a', '$s or a'),
    base.replace('$s and a', '$s at 0 and a'),
    base.replaceAll('$s', '$t'),
    base.replace('rule b', 'private rule b'),
    base.replace('1024', '1025'),
    `global rule g { condition: filesize < 10 } ${base}`,
  ]
  const seen = new Set([print(base), ...others.map((text) => print(text))])
  assert.equal(seen.size, others.length + 1)
})

test('a change of a rule is a change of those that refer to it, and of no others', () => {
  const text =
    'rule x1 { condition: filesize > 1 } rule x2 { condition: x1 } rule b { condition: x2 } rule c { condition: true }'
  const changed = text.replace('> 1', '> 2')
  assert.notEqual(print(changed), print(text))
  assert.notEqual(print(changed, 'x2'), print(text, 'x2'))
  assert.equal(print(changed, 'c'), print(text, 'c'))
})

test('a set of rules refers to each of them, by name or by prefix', () => {
  for (const set of ['(x1, x2)', '(x*)']) {
    const text = `rule x1 { condition: filesize > 1 } rule x2 { condition: filesize > 2 } rule b { condition: any of ${set} }`
    assert.notEqual(print(text.replace('> 1', '> 9')), print(text))
    assert.notEqual(print(text.replace('> 2', '> 9')), print(text))
  }
  const one = 'rule x1 { condition: filesize > 1 } rule b { condition: any of (x*) }'
  assert.notEqual(print(`rule x0 { condition: filesize > 7 } ${one}`), print(one))
})

test('a name means something else when it is imported as a module', () => {
  const text = 'rule b { condition: pe.is_pe }'
  assert.notEqual(print(`import "pe" ${text}`), print(text))
  assert.equal(print(`import "math" ${text}`), print(text))
})

test('a change of a global rule is a change of all', () => {
  const text = `global rule g { condition: filesize < 10 } ${base}`
  assert.notEqual(print(text.replace('< 10', '< 11'), 'a'), print(text, 'a'))
})

test('a text of thousands of rules is fingerprinted quickly', () => {
  const rules = Array.from({ length: 5_000 }, (_, i) => `rule r${i} { condition: ${i > 0 ? `r${i - 1}` : 'true'} }`)
  const text = rules.join('\n')
  const file = parse(text)
  const started = performance.now()
  assert.equal(fingerprints(file, text).size, 5_000)
  assert.ok(performance.now() - started < 2_000)
})
