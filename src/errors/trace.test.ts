import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, traceOf } from './trace.ts'

const disk = new Error('the disk is on fire')
const circular = new Error('round')
circular.cause = new Error('and round', { cause: circular })

const cases: readonly (readonly [what: string, thrown: unknown, message: string, traced: readonly string[]])[] = [
  ['an error', disk, 'the disk is on fire', ['Error: the disk is on fire\n    at ']],
  [
    'a cause',
    new TypeError('no row', { cause: disk }),
    'no row: the disk is on fire',
    ['TypeError: no row', 'caused by: Error: the disk is on fire\n    at '],
  ],
  [
    'a cause that its message repeats',
    new Error(`no row (${disk.message})`, { cause: disk }),
    'no row (the disk is on fire)',
    ['caused by: Error: the disk'],
  ],
  [
    'a cause that is no error',
    new Error('no row', { cause: 'a cut wire' }),
    'no row: a cut wire',
    ['caused by: a cut wire'],
  ],
  [
    'several errors',
    new AggregateError([disk, new Error('no net')], 'all failed'),
    'all failed: the disk is on fire; no net',
    ['AggregateError: all failed', 'caused by: Error: the disk', 'caused by: Error: no net'],
  ],
  [
    'several errors below a cause',
    new Error('no cloud', { cause: new AggregateError([disk]) }),
    'no cloud: AggregateError: the disk is on fire',
    ['Error: the disk is on fire\n    at '],
  ],
  [
    'very many errors',
    new AggregateError(
      Array.from({ length: 9 }, (_, n) => `e${n}`),
      'all failed',
    ),
    'all failed: e0; e1; e2; e3; e4; and 4 more',
    ['caused by: e0', 'and by 4 more'],
  ],
  [
    'an error without a message',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED',
    ['AggregateError'],
  ],
  ['an abort', AbortSignal.abort().reason, 'This operation was aborted', ['AbortError']],
  ['causes in a circle', circular, 'round: and round', ['Error: round', 'Error: and round']],
  ['a text', 'plain words', 'plain words', ['plain words']],
  ['nothing', undefined, 'undefined', ['undefined']],
  ['an object', { status: 7 }, '{ status: 7 }', ['{ status: 7 }']],
]

for (const [what, thrown, message, traced] of cases) {
  test(`${what} is told with its message and its whole trace`, () => {
    assert.equal(messageOf(thrown), message)
    for (const part of traced) assert.ok(traceOf(thrown).includes(part), traceOf(thrown))
  })
}
