import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvLine } from './csv.ts'

test('no text begins a formula in a spreadsheet, whatever stands before its sign', () => {
  const signs = ['=', '+', '-', '@', '\uff1d', '\uff0b', '\uff0d', '\uff20', '\u2212']
  const before = [
    '',
    ' ',
    '  ',
    '\t',
    '\r',
    '\n',
    '\u00a0',
    '\u3000',
    '\u200b',
    '\u2060',
    '\ufeff',
    '\u0000',
    '"',
    ' \u200b\t',
  ]
  for (const lead of before) {
    for (const sign of signs) {
      const text = `${lead}${sign}1+1`
      assert.match(csvLine([text]), /^"?'/, JSON.stringify(text))
    }
  }
})

test('harmless texts and numbers stay as they are, and separators are quoted', () => {
  assert.equal(csvLine(['a=b', 'x-y', -1, true, null]), 'a=b,x-y,-1,true,\r\n')
  assert.equal(csvLine(['a,b', 'c"d', 'e\nf', 'g;=h', ['x', 'y']]), '"a,b","c""d","e\nf","g;=h",x y\r\n')
})
