import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildParserFile } from '@lezer/generator'

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
