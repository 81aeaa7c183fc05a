import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, hello, item, openPool, summary, testLimits } from './fixtures/open-pool.ts'
import { fixedLimits } from './limits.ts'
import { renewGrown } from './renewing.ts'
import { Slot } from './slot.ts'
import type { WorkerProcess } from './worker-process.ts'

const MEGABYTE = 1024 ** 2
const limits = { ...fixedLimits, ...testLimits, idleBytes: 500 * MEGABYTE, renewAfterMs: 300_000 }

/** A worker that has been idle for a minute of its ten, unless something else is said. */
interface State {
  readonly megabytes: number
  readonly role?: 'worker' | 'checker'
  readonly isRelief?: boolean
  readonly ready?: boolean
  readonly busy?: boolean
  readonly since?: number
  readonly started?: number
}

const NOW = 600_000

/** A place whose process only has a size and can be ended: what is decided here is decided by numbers. */
function place(state: State, name: string) {
  const slot = new Slot(state.role ?? 'worker', name, state.isRelief)
  const ended: string[] = []
  const sized = { megabytes: state.megabytes }
  slot.process = {
    isDying: false,
    residentBytes: () => sized.megabytes * MEGABYTE,
    kill: (cause: string) => ended.push(cause),
  } as unknown as WorkerProcess
  slot.ready = state.ready ?? true
  slot.since = state.since ?? NOW - 60_000
  slot.started = state.started ?? 0
  slot.settledBytes = 100 * MEGABYTE
  if (state.busy) slot.jobs = [{} as (typeof slot.jobs)[number]]
  return { slot, ended, sized }
}

const grown: State = { megabytes: 501 }
const cases: readonly (readonly [what: string, workers: readonly State[], ended: readonly number[]])[] = [
  ['one that has grown', [{ megabytes: 100 }, grown], [1]],
  ['none that is within its bytes', [{ megabytes: 500 }, { megabytes: 499 }], []],
  ['none that is at work', [{ ...grown, busy: true }], []],
  ['none that was at work a moment ago', [{ ...grown, since: NOW - 900 }], []],
  ['none that is young', [{ ...grown, started: NOW - 299_000 }], []],
  ['one at a time', [grown, grown], [0]],
  ['none while another one is starting', [grown, { megabytes: 10, ready: false }], []],
  [
    'no checker, which has its own bounds, and none that stands in',
    [
      { ...grown, role: 'checker' },
      { ...grown, isRelief: true },
    ],
    [],
  ],
]

test('of the workers, an idle one that has grown is replaced, and no other', () => {
  for (const [what, states, expected] of cases) {
    const places = states.map((state, n) => place(state, `worker-${n}`))
    const slots = places.map(({ slot }) => slot)
    renewGrown(slots, limits, NOW)
    renewGrown(slots, limits, NOW)
    assert.deepEqual(
      places.flatMap(({ ended }, n) => ended.map(() => n)),
      expected,
      what,
    )
    for (const { slot, ended } of places) if (ended.length > 0) assert.equal(slot.canTake, false, what)
  }
})

test('a worker whose rules alone need more than it may hold is replaced when it has grown since, not for ever', () => {
  const { slot, ended, sized } = place({ megabytes: 800 }, 'worker-1')
  slot.settledBytes = null
  renewGrown([slot], limits, 61_000)
  renewGrown([slot], limits, NOW)
  assert.deepEqual(ended, [])
  sized.megabytes = 1_201
  renewGrown([slot], limits, NOW)
  assert.deepEqual(ended, ['ended'])
})

test('an idle worker that has grown gives way to a fresh process, and no task notices', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { idleBytes: 1, renewGrowth: 0, renewAfterMs: 3_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const worker = () => pool.statistics().processes.find(({ role }) => role === 'worker')?.pid
  const path = sample('greeting', 'hello')
  const verify = () =>
    pool.run('verify', { ruleSet: 'set', items: [item(1, path)], strings: false }, { priority: 'hunt' })
  assert.deepEqual(summary(await verify()), ['1: hello'])
  const first = worker()
  await eventually('another worker', () => worker() !== undefined && worker() !== first)
  assert.deepEqual(summary(await verify()), ['1: hello'])
  assert.deepEqual(pool.statistics().restarts, { crash: 0, timeout: 0, memory: 0 })
})
