import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeLoop, type NodeLoopParts } from './node-loop.ts'
import { pack, packRules } from './packing.ts'

test('rules of a part that is under way stay, however many hunts have parts at once', {
  timeout: 20_000,
}, async (t) => {
  const all = Array.from({ length: 12 }, (_, n) => n + 1)
  const open = all.map((id) => ({ id, rulesId: id, kind: 'evaluate', fence: 1, input: pack({}) }))
  const mayEnd = Promise.withResolvers<void>()
  const areAllThere = Promise.withResolvers<void>()
  const areAllDone = Promise.withResolvers<void>()
  const rules = await packRules([])
  const known = new Set<string>()
  const missing: string[] = []
  let begun = 0
  let settled = 0
  const node = new NodeLoop({
    id: 1,
    store: {
      huntParts: {
        claim: async () => open.splice(0),
        findRules: async () => ({ huntId: 1, rules }),
        heldBy: async () => all.map((id) => ({ id })),
        settle: async () => {
          if (++settled === all.length) areAllDone.resolve()
          return true
        },
        fail: async () => true,
      },
      nodes: { beat: async () => true },
    },
    work: {
      run: async (_kind: string, _input: unknown, { ruleSet }: { readonly ruleSet: string }) => {
        if (++begun === all.length) areAllThere.resolve()
        await mayEnd.promise
        if (!known.has(ruleSet)) missing.push(ruleSet)
        return {}
      },
    },
    pool: {
      setRuleSet: ({ id }: { readonly id: string }) => known.add(id),
      dropRuleSet: (id: string) => known.delete(id),
    },
    files: {},
    workers: 8,
    cacheBytes: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  } as unknown as NodeLoopParts)
  t.after(() => node.stop(0))
  node.start()
  await areAllThere.promise
  mayEnd.resolve()
  await areAllDone.promise
  await node.stop(1_000)
  assert.deepEqual(missing, [])
  assert.equal(known.size, 8, 'those that nobody needs go')
})
