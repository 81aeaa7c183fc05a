import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../yara/index.ts'
import { type LiteralDemand, literalsOfHex, literalsOfRegexp, literalsOfText } from './required-literals.ts'

/** The demand as text: literals in quotes (as hex where they are no text), `|` binding closer than `&`, `-` for nothing. */
function show(demand: LiteralDemand): string {
  switch (demand.kind) {
    case 'nothing':
      return '-'
    case 'oneOf':
      return demand.literals.map(showLiteral).join('|')
    case 'and':
      return demand.parts.map((part) => (part.kind === 'or' ? `(${show(part)})` : show(part))).join(' & ')
    case 'or':
      return demand.parts.map((part) => (part.kind === 'and' ? `(${show(part)})` : show(part))).join(' | ')
  }
}

function showLiteral(literal: string): string {
  return /^[ -~]*$/.test(literal) ? `"${literal}"` : Buffer.from(literal, 'latin1').toString('hex')
}

function demandOfString(source: string): string {
  const [string] = parse(`rule r { strings: $a = ${source} condition: $a }`).rules[0]?.strings ?? []
  assert.ok(string, source)
  if (string.kind === 'hex') return show(literalsOfHex(string.tokens))
  return show(string.kind === 'text' ? literalsOfText(string.bytes) : literalsOfRegexp(string.regexp.node))
}

function check(table: readonly (readonly [string, string])[]): void {
  for (const [source, expected] of table) assert.equal(demandOfString(source), expected, source)
}

test('a text is one literal, folded', () => {
  check([
    ['"Kernel32.DLL"', '"kernel32.dll"'],
    ['"a\\x00B"', '610062'],
    ['"é"', 'c3a9'],
  ])
})

test('a hex string demands its runs of fixed bytes', () => {
  check([
    ['{ 41 42 43 44 }', '"abcd"'],
    ['{ 41 42 ?? 43 44 }', '"ab" & "cd"'],
    ['{ 41 42 [4] 43 44 [2-] 45 }', '"ab" & "cd"'],
    ['{ 61 62 ~63 64 65 }', '"ab" & "de"'],
    ['{ ?? 41 42 ?? }', '"ab"'],
    ['{ 41 ?? ?? 42 }', '-'],
  ])
})

test('half-known bytes and alternatives of a hex string are spelled out while they are few', () => {
  check([
    ['{ 30 3? 31 }', Array.from({ length: 16 }, (_, i) => `"0${String.fromCharCode(0x30 + i)}1"`).join('|')],
    ['{ 61 ( 62 | 63 64 ) 65 }', '"abe"|"acde"'],
    ['{ 61 62 ( 63 | ?? ) 65 66 }', '"abc"|"ab" & "cef"|"ef"'],
    ['{ 61 ( 62 63 64 65 | 66 [2] 67 68 69 70 ) 71 }', '"abcd"|"af" & ("bcde" | "ghip") & "cdeq"|"hipq"'],
    ['{ 61 62 63 3? 3? 64 65 66 }', demandOfString('{ 61 62 63 3? [2] 3? 64 65 66 }')],
  ])
})

test('a regular expression demands the literals that every match contains', () => {
  check([
    ['/abc/', '"abc"'],
    ['/ABC/i', '"abc"'],
    ['/ab.*cd/', '"ab" & "cd"'],
    ['/(ab|cd)ef/', '"abef"|"cdef"'],
    ['/a[bc]d/', '"abd"|"acd"'],
    ['/ab?c/', '"ac"|"abc"'],
    ['/ab*c/', '-'],
    ['/ab+c/', '"ab" & "bc"'],
    ['/(abc){2}/', '"abcabc"'],
    ['/(abc){2,5}d/', '"abcabc" & "abcd"'],
    ['/(abc){9}/', '"abcabcabcabc" & "abc"'],
    ['/(abc|.)/', '-'],
    ['/(abc|de.fg)h/', '"abc"|"de" & ("abc" | ("de" & "fg")) & "abch"|"fgh"'],
    ['/\\bword\\b/', '"word"'],
    ['/^\\x4d\\x5a/', '"mz"'],
    ['/[0-9a-f]{8}/', '-'],
    ['/id=[0-9]{4}/', demandOfString('/id=[0-9]/')],
  ])
})

test('what is not understood demands nothing', () => {
  assert.equal(show(literalsOfRegexp(null)), '-')
})

test('hostile patterns are analysed in bounded time', () => {
  const start = process.cpuUsage()
  const nested = `${'('.repeat(40)}ab${'|cd){1,9}'.repeat(40)}`
  for (const source of [
    `{ 61 ${'( 62 | 63 | 64 65 ) '.repeat(3000)} }`,
    `{ 61 ${'3? 4? '.repeat(20_000)} 62 }`,
    `/${nested}/`,
    `/${'[ab][cd]'.repeat(3000)}/`,
    `"${'x'.repeat(200_000)}"`,
  ]) {
    const string = parse(`rule r { strings: $a = ${source} condition: $a }`).rules[0]?.strings[0]
    if (string?.kind === 'hex') literalsOfHex(string.tokens)
    else if (string?.kind === 'regexp') literalsOfRegexp(string.regexp.node)
  }
  const { user } = process.cpuUsage(start)
  assert.ok(user < 10e6, `${user / 1e6} s`)
})
