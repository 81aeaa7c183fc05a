import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from './log.ts'

/** What the type checker must refuse: each `@ts-expect-error` fails the type check when its line compiles. */
function logCalls(log: Log, unknown: unknown, maybe: string | Error): void {
  const any = JSON.parse('{}')
  log.error({ err: any }, 'whatever was thrown goes under err')
  log.warn({ err: unknown, sample: 7, plan: { kind: 'all' }, names: ['a'] }, 'beside plain values')
  log.info({}, 'or nothing')
  // @ts-expect-error
  log.error({ error: any }, 'the any of a catch')
  // @ts-expect-error
  log.error({ reason: unknown }, 'what is not known')
  // @ts-expect-error
  log.warn({ cause: new TypeError('no') }, 'an error')
  // @ts-expect-error
  log.info({ hunt: 7, last: maybe }, 'what may be an error')
  // @ts-expect-error
  log.warn({ problems: [new Error('one of several')] }, 'a list of errors')
  // @ts-expect-error
  log.error({ reasons: [unknown] }, 'a list of what is not known')
  const made = { hunt: 7, error: new Error('made elsewhere') }
  // @ts-expect-error
  log.error(made, 'an error in an object that was made elsewhere')
}

test('a log call names errors under err only: anything else does not compile', () => {
  const said: string[] = []
  const note = (_particulars: object, message: string) => void said.push(message)
  logCalls({ info: note, warn: note, error: note }, null, '')
  assert.equal(said.length, 10)
})
