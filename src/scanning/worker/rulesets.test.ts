import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledCache } from './compiled.ts'
import { HeldRulesets } from './rulesets.ts'

test('what runs live is compiled ahead once, and not again when it had to make way', () => {
  // As after a hunt that needed all the room: nothing of it is compiled any more.
  const forgetful = { textBytesAlone: 0, has: () => false } as unknown as CompiledCache
  const held = new HeldRulesets(forgetful)
  const ruleset = (key: string) => ({ key, name: key, content: `rule ${key} { condition: true }`, plan: '' })
  held.learn(['a', 'b', 'c'].map((key) => ({ ruleset: ruleset(key), failure: null })))
  const live = { type: 'set', warm: true, bundles: true, groups: null } as const
  held.learnSet({ ...live, id: 'first', keys: ['a', 'b'] })
  assert.deepEqual([held.nextToWarm()?.key, held.nextToWarm()?.key, held.nextToWarm()?.key], ['a', 'b', undefined])

  held.learnSet({ ...live, id: 'second', keys: ['b', 'c'] })
  assert.deepEqual([held.nextToWarm()?.key, held.nextToWarm()?.key, held.nextToWarm()?.key], ['b', 'c', undefined])
})
