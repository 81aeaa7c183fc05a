/** The public rules at hand are read completely. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from '../../src/yara/index.ts'

const folder = join(import.meta.dirname, '../../../shared/rules/reversinglabs')
const isMissing = !existsSync(folder) && process.env.BACKTRAIL_NO_SKIPS !== '1'
const skip = isMissing ? '../shared/rules is not here' : false

test('every public rule is read without a diagnostic, and nothing of it is unknown', { skip }, () => {
  const paths = globSync(join(folder, '**/*.yara'))
  assert.equal(paths.length, 274)
  let rules = 0
  for (const path of paths) {
    const text = readFileSync(path, 'utf8')
    const file = parse(text)
    assert.deepEqual(file.diagnostics, [], path)
    // These files begin each rule on a line of its own, so lines count them without any parser.
    assert.equal(file.rules.length, [...text.matchAll(/^(?:(?:private|global)\s+)*rule\s+\w+/gm)].length, path)
    rules += file.rules.length
    JSON.stringify(file, (key, value) => {
      assert.ok(value?.kind !== 'unknown', path)
      assert.ok(key !== 'node' || value !== null, path)
      return typeof value === 'bigint' ? null : value
    })
  }
  assert.equal(rules, 1204)
})
