import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { catalogue } from '../../src/errors/index.ts'

test('docs/api.md lists every failure of the catalogue with its status and message, and no other', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w.-]+)` \| (\d{3}) \| (.*) \|$/gm)]
  const told = Object.fromEntries(
    rows.map(([, code = '', status, message]) => [code, { status: Number(status), message }]),
  )
  assert.ok(rows.length >= 40, `only ${rows.length} rows`)
  assert.equal(Object.keys(told).length, rows.length, 'a code is listed twice')
  assert.deepEqual(told, catalogue)
})
