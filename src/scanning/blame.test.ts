import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { Blame } from './blame.ts'
import type { FlightStep, Stage } from './flight-record.ts'

function at(stage: Stage, ruleset: string | null = null, item = 0, bundle = false): FlightStep {
  return { stage, task: 1, item, allowedMs: 1, ruleset, bundle }
}

function pairs(blame: Blame): string[] {
  return blame.avoid.pairs.map(({ item, ruleset, trouble }) => `${item} ${ruleset} ${trouble.reason}`)
}

test('a scan that takes too long is given up at once', () => {
  const blame = new Blame()
  assert.equal(blame.judge('verify', 'timeout', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(blame), ['3 r1 timeout'])
})

test('a crash has a second chance', () => {
  const blame = new Blame()
  assert.equal(blame.judge('verify', 'crash', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(blame), [])
  assert.equal(blame.judge('verify', 'memory', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(blame), ['3 r1 memory'])
})

test('a ruleset that has ended workers on another sample has no second chance', () => {
  const blame = new Blame()
  blame.judge('verify', 'crash', at('scan', 'r1', 3), true)
  assert.deepEqual(pairs(blame), ['3 r1 crash'])
})

test('however many rulesets fail on a sample, each pair is given up by itself and no other', () => {
  const blame = new Blame()
  const rulesets = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']
  for (const ruleset of [...rulesets, ...rulesets]) blame.judge('examine', 'crash', at('scan', ruleset))
  assert.deepEqual(
    pairs(blame),
    rulesets.map((ruleset) => `0 ${ruleset} crash`),
  )
  assert.deepEqual(blame.avoid.modules, [])
})

test('after a pair was given up it is asked whether the engine fails on the sample by itself', () => {
  const blame = new Blame()
  blame.judge('verify', 'timeout', at('scan', 'r1', 3))
  assert.deepEqual(blame.avoid.probes, [{ item: 3, ruleset: 'r1' }])
  // It survived the probes, since it scans again.
  blame.judge('verify', 'crash', at('scan', 'r2', 3))
  assert.deepEqual(blame.avoid.probes, [])
})

test('a module that fails on a sample by itself is not asked about it again', () => {
  const blame = new Blame()
  const verdict = blame.judge('verify', 'timeout', at('probe', 'macho', 3))
  assert.deepEqual([verdict.kind, verdict.kind === 'module' && verdict.trouble.reason], ['module', 'module'])
  assert.deepEqual(
    blame.avoid.modules.map(({ item, module }) => `${item} ${module}`),
    ['3 macho'],
  )
  const crash = new Blame()
  assert.equal(crash.judge('examine', 'crash', at('probe', 'pe')).kind, 'retry')
  assert.equal(crash.judge('examine', 'crash', at('probe', 'pe')).kind, 'module')
  // Without any module it is the engine, and no ruleset can be run on the sample.
  const engine = new Blame().judge('verify', 'timeout', at('probe', null, 3))
  assert.equal(engine.kind === 'module' && engine.trouble.reason, 'unreadable')
})

test('plans that cost their worker are not asked again', () => {
  const blame = new Blame()
  assert.equal(blame.judge('examine', 'crash', at('plan')).kind, 'retry')
  assert.equal(blame.avoid.plans, true)
  assert.equal(blame.judge('examine', 'crash', at('plan')).kind, 'retry')
  assert.equal(blame.avoid.plans, false)
  const slow = new Blame()
  assert.equal(slow.judge('examine', 'timeout', at('plan')).kind, 'retry')
  assert.equal(slow.avoid.plans, false)
})

test('what happened to a bundle is found out one by one', () => {
  const blame = new Blame()
  assert.equal(blame.judge('verify', 'timeout', at('scan', null, 3, true)).kind, 'retry')
  assert.equal(blame.avoid.bundles, false)
  assert.deepEqual(pairs(blame), [])
})

test('a ruleset that cannot be compiled in time is left out everywhere', () => {
  const verdict = new Blame().judge('verify', 'timeout', at('compile', 'r1', 3))
  assert.equal(verdict.kind, 'quarantine')
  assert.equal(verdict.kind === 'quarantine' && verdict.ruleset, 'r1')
})

test('a file that costs its worker while it is examined on the way is then only taken', () => {
  for (const stage of ['identify', 'signers', 'sign', 'plan', 'compile', 'scan'] as const) {
    const blame = new Blame()
    assert.deepEqual(blame.judge('take', 'timeout', at(stage, 'r1')), { kind: 'retry' })
    assert.equal(blame.avoid.examining, false)
    assert.deepEqual(pairs(blame), [])
  }
  const copying = new Blame()
  assert.equal(copying.judge('take', 'crash', at('take')).kind, 'retry')
  assert.equal(copying.avoid.examining, true)
  assert.equal(copying.judge('take', 'crash', at('take')).kind, 'fail')
})

test('libmagic is left out after its second crash, and then the sample fails like any other', () => {
  const blame = new Blame()
  blame.judge('examine', 'crash', at('identify'))
  assert.equal(blame.avoid.libmagic, true)
  blame.judge('examine', 'crash', at('identify'))
  assert.equal(blame.avoid.libmagic, false)
  assert.equal(blame.judge('examine', 'crash', at('identify')).kind, 'retry')
  assert.equal(blame.judge('examine', 'crash', at('identify')).kind, 'fail')
})

test('signatures that cost two workers are not read a third time', () => {
  const blame = new Blame()
  assert.equal(blame.judge('examine', 'crash', at('signers')).kind, 'retry')
  assert.equal(blame.avoid.signers, true)
  assert.equal(blame.judge('examine', 'crash', at('signers')).kind, 'retry')
  assert.equal(blame.avoid.signers, false)
  const slow = new Blame()
  assert.equal(slow.judge('sign', 'timeout', at('signers')).kind, 'retry')
  assert.equal(slow.avoid.signers, false)
})

test('outside of scans a second loss fails the task, of a list only the item', () => {
  const blame = new Blame()
  assert.equal(blame.judge('sign', 'crash', at('sign')).kind, 'retry')
  assert.equal(blame.judge('sign', 'crash', at('sign')).kind, 'fail')
  const list = new Blame()
  list.judge('verify', 'crash', at('read', null, 5))
  assert.equal(list.judge('verify', 'crash', at('read', null, 5)).kind, 'retry')
  assert.deepEqual(pairs(list), ['5 null crash'])
})

test('a task that workers never begin with is not tried for ever', () => {
  const blame = new Blame()
  const verdicts = Array.from({ length: 5 }, () => blame.judge('take', 'crash', null))
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['retry', 'retry', 'retry', 'retry', 'fail'],
  )
  const last = verdicts.at(-1)
  // Not the fault of the task: whoever sent it may send it again.
  assert.ok(last?.kind === 'fail' && last.error instanceof Failure && last.error.code === 'workers.lost')
})
