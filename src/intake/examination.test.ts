import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalJobs, type Work } from '../jobs/index.ts'
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import type { RuleSet, WorkerPool } from '../scanning/index.ts'
import type { ContentStore } from '../store/index.ts'
import { type Examined, Examiner } from './examination.ts'

test('samples that are brought up to date at the same time do not take the rules from each other', async () => {
  const sets = new Set<string>()
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let runs = 0
  const pool = {
    setRuleSet: ({ id }: RuleSet) => void sets.add(id),
    dropRuleSet: (id: string) => void sets.delete(id),
    run: async (_kind: string, { ruleSet }: { ruleSet: string }) => {
      await gates[runs++]?.promise
      assert.ok(sets.has(ruleSet), `there is no rule set ${ruleSet}`)
      return { hits: [], errors: [] }
    },
  } as unknown as WorkerPool
  const ruleset = { key: 'r1', name: 'r', content: '', plan: '' }
  const live: LiveSet = { id: 'live:2', generation: 2, members: [], rulesets: [ruleset] }
  const old: LiveSet = { id: 'live:1', generation: 1, members: [], rulesets: [] }
  const rulesets = { generation: async () => 2, liveSet: async () => live } as unknown as Rulesets
  const contents = {
    lease: async () => ({ paths: [''], release() {} }),
  } as unknown as ContentStore
  const jobs = new LocalJobs({} as Work, 1)
  const log = { warn() {}, info() {}, error() {} }
  const examiner = new Examiner({ contents, pool, rulesets, scanBytes: 100, jobs, workers: 1, log })
  const behind = (id: number) =>
    ({
      queued: { id, digests: { size: 1, sha256: new Uint8Array(32) }, known: { name: 'x' }, again: false },
      signature: new Uint8Array(),
      live: old,
      hits: [],
      errors: [],
    }) as unknown as Examined
  const { signal } = new AbortController()
  const [first, second] = [examiner.catchUp([behind(1)], signal), examiner.catchUp([behind(2)], signal)]
  gates[1]?.resolve()
  await second
  gates[0]?.resolve()
  assert.equal((await first)[0]?.live, live)
  assert.deepEqual([...sets], [live.id])
})
