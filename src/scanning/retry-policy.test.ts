import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import type { ProgressStep, Stage } from './progress-record.ts'
import { RetryPolicy } from './retry-policy.ts'

function at(stage: Stage, ruleset: string | null = null, item = 0, bundle = false): ProgressStep {
  return { stage, task: 1, item, allowedMs: 1, ruleset, bundle }
}

function pairs(retryPolicy: RetryPolicy): string[] {
  return retryPolicy.exclusions.pairs.map(({ item, ruleset, failure }) => `${item} ${ruleset} ${failure.reason}`)
}

test('a scan that takes too long is given up at once', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('verify', 'timeout', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(retryPolicy), ['3 r1 timeout'])
})

test('a crash has a second chance', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('verify', 'crash', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(retryPolicy), [])
  assert.equal(retryPolicy.decide('verify', 'memory', at('scan', 'r1', 3)).kind, 'retry')
  assert.deepEqual(pairs(retryPolicy), ['3 r1 memory'])
})

test('a ruleset that has ended workers on another sample has no second chance', () => {
  const retryPolicy = new RetryPolicy()
  retryPolicy.decide('verify', 'crash', at('scan', 'r1', 3), true)
  assert.deepEqual(pairs(retryPolicy), ['3 r1 crash'])
})

test('however many rulesets fail on a sample, each pair is given up by itself and no other', () => {
  const retryPolicy = new RetryPolicy()
  const rulesets = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']
  for (const ruleset of [...rulesets, ...rulesets]) retryPolicy.decide('examine', 'crash', at('scan', ruleset))
  assert.deepEqual(
    pairs(retryPolicy),
    rulesets.map((ruleset) => `0 ${ruleset} crash`),
  )
  assert.deepEqual(retryPolicy.exclusions.modules, [])
})

test('after a pair was given up it is asked whether the engine fails on the sample by itself', () => {
  const retryPolicy = new RetryPolicy()
  retryPolicy.decide('verify', 'timeout', at('scan', 'r1', 3))
  assert.deepEqual(retryPolicy.exclusions.probes, [{ item: 3, ruleset: 'r1' }])
  // It survived the probes, since it scans again.
  retryPolicy.decide('verify', 'crash', at('scan', 'r2', 3))
  assert.deepEqual(retryPolicy.exclusions.probes, [])
})

test('a module that fails on a sample by itself is not asked about it again', () => {
  const retryPolicy = new RetryPolicy()
  const verdict = retryPolicy.decide('verify', 'timeout', at('probe', 'macho', 3))
  assert.deepEqual([verdict.kind, verdict.kind === 'module' && verdict.failure.reason], ['module', 'module'])
  assert.deepEqual(
    retryPolicy.exclusions.modules.map(({ item, module }) => `${item} ${module}`),
    ['3 macho'],
  )
  const crash = new RetryPolicy()
  assert.equal(crash.decide('examine', 'crash', at('probe', 'pe')).kind, 'retry')
  assert.equal(crash.decide('examine', 'crash', at('probe', 'pe')).kind, 'module')
  // Without any module it is the engine, and no ruleset can be run on the sample.
  const engine = new RetryPolicy().decide('verify', 'timeout', at('probe', null, 3))
  assert.equal(engine.kind === 'module' && engine.failure.reason, 'unreadable')
})

test('plans that cost their worker are not asked again', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('examine', 'crash', at('plan')).kind, 'retry')
  assert.equal(retryPolicy.exclusions.allowed.plans, true)
  assert.equal(retryPolicy.decide('examine', 'crash', at('plan')).kind, 'retry')
  assert.equal(retryPolicy.exclusions.allowed.plans, false)
  const slow = new RetryPolicy()
  assert.equal(slow.decide('examine', 'timeout', at('plan')).kind, 'retry')
  assert.equal(slow.exclusions.allowed.plans, false)
})

test('what happened to a bundle is found out one by one', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('verify', 'timeout', at('scan', null, 3, true)).kind, 'retry')
  assert.equal(retryPolicy.exclusions.allowed.bundles, false)
  assert.deepEqual(pairs(retryPolicy), [])
})

test('a ruleset that cannot be compiled in time is left out everywhere', () => {
  const verdict = new RetryPolicy().decide('verify', 'timeout', at('compile', 'r1', 3))
  assert.equal(verdict.kind, 'quarantine')
  assert.equal(verdict.kind === 'quarantine' && verdict.ruleset, 'r1')
})

test('a file that costs its worker while it is examined on the way is then only taken', () => {
  for (const stage of ['identify', 'signers', 'program', 'sign', 'plan', 'compile', 'scan'] as const) {
    const retryPolicy = new RetryPolicy()
    assert.deepEqual(retryPolicy.decide('copyAndHash', 'timeout', at(stage, 'r1')), { kind: 'retry' })
    assert.equal(retryPolicy.exclusions.allowed.examining, false)
    assert.deepEqual(pairs(retryPolicy), [])
  }
  const copying = new RetryPolicy()
  assert.equal(copying.decide('copyAndHash', 'crash', at('copyAndHash')).kind, 'retry')
  assert.equal(copying.exclusions.allowed.examining, true)
  assert.equal(copying.decide('copyAndHash', 'crash', at('copyAndHash')).kind, 'fail')
})

test('libmagic is left out after its second crash, and then the sample fails like any other', () => {
  const retryPolicy = new RetryPolicy()
  retryPolicy.decide('examine', 'crash', at('identify'))
  assert.equal(retryPolicy.exclusions.allowed.libmagic, true)
  retryPolicy.decide('examine', 'crash', at('identify'))
  assert.equal(retryPolicy.exclusions.allowed.libmagic, false)
  assert.equal(retryPolicy.decide('examine', 'crash', at('identify')).kind, 'retry')
  assert.equal(retryPolicy.decide('examine', 'crash', at('identify')).kind, 'fail')
})

test('signatures that cost two workers are not read a third time', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('examine', 'crash', at('signers')).kind, 'retry')
  assert.equal(retryPolicy.exclusions.allowed.signers, true)
  assert.equal(retryPolicy.decide('examine', 'crash', at('signers')).kind, 'retry')
  assert.equal(retryPolicy.exclusions.allowed.signers, false)
  const slow = new RetryPolicy()
  assert.equal(slow.decide('sign', 'timeout', at('signers')).kind, 'retry')
  assert.equal(slow.exclusions.allowed.signers, false)
})

test('what a program is made of is not read a third time where that cost two workers', () => {
  for (const kind of ['examine', 'readProgram'] as const) {
    const retryPolicy = new RetryPolicy()
    assert.equal(retryPolicy.decide(kind, 'crash', at('program')).kind, 'retry')
    assert.equal(retryPolicy.exclusions.allowed.programs, true)
    assert.equal(retryPolicy.decide(kind, 'crash', at('program')).kind, 'retry')
    assert.equal(retryPolicy.exclusions.allowed.programs, false)
    const slow = new RetryPolicy()
    assert.equal(slow.decide(kind, 'timeout', at('program')).kind, 'retry')
    assert.equal(slow.exclusions.allowed.programs, false)
  }
})

test('outside of scans a second loss fails the task, of a list only the item', () => {
  const retryPolicy = new RetryPolicy()
  assert.equal(retryPolicy.decide('sign', 'crash', at('sign')).kind, 'retry')
  assert.equal(retryPolicy.decide('sign', 'crash', at('sign')).kind, 'fail')
  const list = new RetryPolicy()
  list.decide('verify', 'crash', at('read', null, 5))
  assert.equal(list.decide('verify', 'crash', at('read', null, 5)).kind, 'retry')
  assert.deepEqual(pairs(list), ['5 null crash'])
})

test('a task that workers never begin with is not tried for ever', () => {
  const retryPolicy = new RetryPolicy()
  const verdicts = Array.from({ length: 5 }, () => retryPolicy.decide('copyAndHash', 'crash', null))
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['retry', 'retry', 'retry', 'retry', 'fail'],
  )
  const last = verdicts.at(-1)
  // Not the fault of the task: whoever sent it may send it again.
  assert.ok(last?.kind === 'fail' && last.error instanceof Failure && last.error.code === 'workers.lost')
})
