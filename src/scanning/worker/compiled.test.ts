import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledRules, Engines } from '../engine.ts'
import type { ScanLimits } from '../limits.ts'
import { CompiledCache } from './compiled.ts'

test('small texts are let go by the memory that they take, and the engine’s memory is collected again and again', (t) => {
  let collected = 0
  const before = globalThis.gc
  t.after(() => {
    globalThis.gc = before
  })
  globalThis.gc = (() => void collected++) as unknown as NodeJS.GCFunction
  const rules = { engine: 'one', limitMatchesPerString() {} } as unknown as CompiledRules
  const engines = { firstFor: () => 'one', compile: () => rules } as unknown as Engines
  const MB = 1024 ** 2
  const cache = new CompiledCache(engines, { compiledBytes: 100 * MB } as ScanLimits)
  const content = 'rule r { condition: true }'
  for (let n = 0; n < 1_000; n++) cache.compile(`${n}`, [{ key: `${n}`, name: 'r', content, plan: '' }])
  // Half a megabyte each.
  const kept = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => cache.has(`${n}`))
  assert.ok(kept.length > 150 && kept.length <= 200, `${kept.length} are kept`)
  assert.equal(kept.at(-1), 999)
  assert.ok(collected >= 6, `collected ${collected} times`)
})
