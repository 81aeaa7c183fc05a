/**
 * Whatever the store is asked, both databases answer the same. One long story touches every method of every repository;
 * the story is told to SQLite and to PostgreSQL, and what they answered is compared step by step.
 *
 * Ids are part of what is compared. A row that is refused as one that is there already may cost an id, so such rows come
 * behind all that has ids.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { engines } from './each-engine.fixture.ts'
import type { Repositories, Store } from './store.ts'
import { accounts } from './stories/accounts.fixture.ts'
import { hunting } from './stories/hunts.fixture.ts'
import { matching } from './stories/matches.fixture.ts'
import { notifying } from './stories/notifications.fixture.ts'
import { rules } from './stories/rules.fixture.ts'
import { arriving, finding } from './stories/samples.fixture.ts'
import { sharing } from './stories/sharing.fixture.ts'
import type { Tell } from './stories/telling.fixture.ts'

/** The same store, which notes what was called. */
function noting(store: Store, called: Set<string>): Store {
  const noted = ([noun, repository]: [string, object]) => {
    const methods = Object.entries(repository as Record<string, (...given: unknown[]) => unknown>)
    const wrapped = methods.map(([verb, method]) => [
      verb,
      (...given: unknown[]) => {
        called.add(`${noun}.${verb}`)
        return method(...given)
      },
    ])
    return [noun, Object.fromEntries(wrapped)]
  }
  const { transaction, close, ...repositories } = store
  return {
    ...(Object.fromEntries(Object.entries(repositories as unknown as Repositories).map(noted)) as Repositories),
    transaction,
    close,
  }
}

test('both databases give the same answers, whatever is asked', {
  skip: engines.find(({ skip }) => skip)?.skip ?? false,
}, async (t) => {
  const told: { readonly what: string; readonly answer: unknown }[][] = []
  for (const { fresh } of engines) {
    const called = new Set<string>()
    const plain = await fresh(t)
    const store = noting(plain, called)
    const steps: { what: string; answer: unknown }[] = []
    const tell: Tell = (what, answer) => void steps.push({ what, answer: plainly(answer) })
    for (const part of [accounts, rules, arriving, finding, matching, hunting, notifying, sharing])
      await part(store, tell)
    told.push(steps)
    const { transaction, close, ...repositories } = plain
    const all = Object.entries(repositories).flatMap(([noun, methods]) =>
      Object.keys(methods).map((verb) => `${noun}.${verb}`),
    )
    assert.deepEqual(
      all.filter((method) => !called.has(method)),
      [],
      'methods that the story leaves out',
    )
  }
  const [one = [], other = []] = told
  assert.ok(one.length > 300, `only ${one.length} steps`)
  const differing = one.filter((step, at) => !isDeepStrictEqual(other[at], step)).map(({ what }) => what)
  for (const [at, step] of one.entries()) assert.deepEqual(other[at], step, `also: ${differing.join(', ')}`)
})

/** Without prototypes, which the drivers give otherwise; bytes as their digits. PostgreSQL has no character 0. */
function plainly(answer: unknown): unknown {
  if (answer instanceof Uint8Array) return answer.toHex()
  if (answer instanceof Map) return [...answer].map(plainly)
  if (answer instanceof Set) return [...answer].sort()
  if (typeof answer === 'string') return answer.replaceAll('\0', '\ufffd').toWellFormed()
  if (Array.isArray(answer)) return answer.map(plainly)
  if (answer !== null && typeof answer === 'object')
    return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, plainly(value)]))
  return answer
}
