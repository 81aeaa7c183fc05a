import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildParserFile } from '@lezer/generator'
import { parse } from './parse.ts'

function committed(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8')
}

test('the committed parser is what the grammar generates, without a warning', () => {
  const warnings: string[] = []
  const { parser, terms } = buildParserFile(committed('yara.grammar'), { warn: (message) => warnings.push(message) })
  assert.deepEqual(warnings, [])
  const hint = 'run `npm run grammar`'
  assert.equal(committed('parser.generated.js').trim(), parser.trim(), hint)
  assert.equal(committed('parser.generated.terms.js').trim(), terms.trim(), hint)
})

test('chains within each other are read as deep as their expressions may be, and no deeper', () => {
  const chains = (levels: number, length: number) => {
    let condition = 'filesize'
    for (let level = 0; level < levels; level++) condition = `(${condition}${'+0'.repeat(length)})`
    return `rule deep { condition: ${condition} > 0 }`
  }
  const codes = (text: string) => parse(text).diagnostics.map(({ code }) => code)
  assert.deepEqual(codes(chains(2, 400)), [])
  for (const levels of [3, 13, 60]) {
    const { rules, diagnostics } = parse(chains(levels, 400))
    assert.ok(diagnostics.some(({ code }) => code === 'budget-exceeded'))
    // What reads expressions calls itself for each level.
    assert.doesNotThrow(() => JSON.stringify(rules, (_key, value) => (typeof value === 'bigint' ? null : value)))
  }
})
