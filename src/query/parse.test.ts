import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition } from './condition.ts'
import { MOST_CHARACTERS, parseQuery } from './parse.ts'

test('whatever is written is understood, or refused with a place in it', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  let state = seed
  const below = (most: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state % most
  }
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '"',
    '\\',
    '*',
    '?',
    ' ',
    ':',
    ',',
    '-',
    '>',
    '<',
    '=',
    'AND',
    'or',
    'NOT',
    ' TO ',
  ]
  pieces.push(
    'tag:',
    'size:',
    'sha256:',
    'type:PE',
    '2026-11-22',
    '5',
    'abcdef12',
    'é',
    '\u{1f600}',
    '\n',
    '\0',
    'classification:',
  )
  for (let n = 0; n < 20_000; n++) {
    const text = Array.from({ length: below(14) }, () => pieces[below(pieces.length)]).join('')
    const { condition, problem } = parseQuery(text)
    const listed = `seed ${seed}: ${JSON.stringify(text)}`
    if (problem === null) {
      assert.ok(condition === null || depthOf(condition) <= 80, listed)
      continue
    }
    assert.ok(problem.from >= 0 && problem.from <= problem.to && problem.to <= text.length, listed)
    assert.match(problem.message, /^[A-Z<>]/, listed)
  }
})

test('a long text is read in one pass', () => {
  for (const piece of ['(', '"', 'a ', '-', 'NOT ', 'tag:[', '\\', '*', 'tag:(a,', 'ab,', 'x-', '[', 'a:']) {
    const text = piece.repeat(Math.floor(MOST_CHARACTERS / piece.length))
    const started = process.cpuUsage().user
    parseQuery(text)
    assert.ok(process.cpuUsage().user - started < 2_000_000, `${piece} took more than two seconds`)
  }
})

test('AND binds before OR, and a minus or NOT before both', () => {
  const shape = (condition: Condition | null): unknown => {
    if (condition === null) return null
    if (condition.kind === 'not') return ['not', shape(condition.of)]
    if (condition.kind === 'all' || condition.kind === 'any') return [condition.kind, ...condition.of.map(shape)]
    return condition.kind === 'text' ? condition.pattern.join('') : condition.kind
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['tag:a tag:b OR tag:c', ['any', ['all', 'a', 'b'], 'c']],
    ['tag:a AND NOT tag:b OR tag:c', ['any', ['all', 'a', ['not', 'b']], 'c']],
    ['tag:a (tag:b OR -tag:c)', ['all', 'a', ['any', 'b', ['not', 'c']]]],
    ['-(tag:a tag:b)', ['not', ['all', 'a', 'b']]],
    ['tag:a and tag:b', ['all', 'a', 'b']],
    ['tag:"and" tag:or', ['all', 'and', 'or']],
    ['tag:android', 'android'],
  ]
  for (const [query, expected] of cases) assert.deepEqual(shape(parseQuery(query).condition), expected, query)
})

function depthOf(condition: Condition): number {
  if (condition.kind === 'all' || condition.kind === 'any') return 1 + Math.max(...condition.of.map(depthOf))
  return condition.kind === 'not' ? 1 + depthOf(condition.of) : 1
}
