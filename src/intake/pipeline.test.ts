/** The pipeline over a real queue; who examines samples is not real, nor is where matches and segments go. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { engines } from '../store/each-engine.fixture.ts'
import type { IntakeState, Store, UnitName } from '../store/index.ts'
import { RecordingLog } from './collection.fixture.ts'
import { type CompletionParts, complete, completeArchives } from './completion.ts'
import type { Examined, Queued } from './examination.ts'
import { Pipeline, type PipelineParts } from './pipeline.ts'
import { Queue } from './queue.ts'

const arrived: IntakeState = { stage: 'arrived', depth: 0, password: null, archive: null, root: null }
const timeout = 20_000

/** A store with so many queued samples, with the ids from 1 on, and a way to lose the answer to a commit. */
async function withQueued(t: TestContext, count: number) {
  const store = await (engines[0] as (typeof engines)[number]).fresh(t)
  const digest = (kind: string, n: number) => createHash(kind).update(String(n)).digest()
  const samples = Array.from({ length: count }, (_, at) => {
    const digests = { sha256: digest('sha256', at), sha1: digest('sha1', at), md5: digest('md5', at) }
    return { ...digests, sha512: digest('sha512', at), size: 1, name: 'sample' }
  })
  await store.samples.add(samples, 1)
  const lost: UnitName[] = []
  const transaction: Store['transaction'] = async (unit, work) => {
    const result = await store.transaction(unit, work)
    if (lost.at(0) !== unit) return result
    lost.shift()
    throw new Failure('storage.unavailable')
  }
  return { store: { ...store, transaction }, loseAnswerTo: (unit: UnitName) => lost.push(unit) }
}

function examinedOf(queued: Queued, isArchive = false): Examined {
  const identification = { fileType: 'Text', description: '', isArchive }
  const live = { id: 'live:1', generation: 1, rulesets: [], members: [] }
  return { queued, identification, live, signature: null, program: null, hits: [], errors: [], remarks: [] }
}

function completionOf(store: Store, rulesets: object = {}): CompletionParts & { readonly log: RecordingLog } {
  const log = new RecordingLog()
  const parts = {
    rulesets: { generation: async () => 1, reportScanErrors: async () => {}, ...rulesets },
    matches: { record: async () => {} },
    segments: {},
  }
  return { store, log, ...parts } as unknown as CompletionParts & { readonly log: RecordingLog }
}

/** A pipeline, with what it has examined and processed. */
async function pipelineOver(
  t: TestContext,
  store: Store,
  examine: (queued: Queued, times: number) => Promise<unknown> = async () => {},
) {
  const queue = new Queue(store.intake)
  await queue.open()
  const examined: number[] = []
  const counts = { started: 0, putBack: 0 }
  const processed: number[] = []
  const examiner = {
    examine: async (queued: Queued) => {
      examined.push(queued.id)
      await examine(queued, examined.filter((id) => id === queued.id).length)
      return examinedOf(queued)
    },
  }
  const pipeline = new Pipeline({
    ...completionOf(store),
    queue,
    examiner: examiner as unknown as PipelineParts['examiner'],
    unpacker: { forget: () => {} } as unknown as PipelineParts['unpacker'],
    atOnce: () => 8,
    unpackAtOnce: 1,
    onProcessed: (samples) => processed.push(...samples.map(({ id }) => id)),
    onStarted: () => counts.started++,
    onPutBack: (count) => {
      counts.putBack += count
    },
  })
  t.after(() => pipeline.stop())
  return { pipeline, queue, examined, processed, counts }
}

test('a reading of the queue that fails forgets nothing that was put back', async (t) => {
  const { store } = await withQueued(t, 3)
  let fails = false
  const next: Store['intake']['next'] = async (...asked) => {
    if (fails) throw new Error('no connection')
    return store.intake.next(...asked)
  }
  const queue = new Queue({ ...store.intake, next })
  while ((await queue.next()) !== null);
  queue.putBack([1, 2])
  fails = true
  await assert.rejects(queue.next(), /no connection/)
  fails = false
  assert.deepEqual([(await queue.next())?.id, (await queue.next())?.id, await queue.next()], [1, 2, null])
})

test('a sample that ended since it was read is not given again, unless it is queued once more', async (t) => {
  const { store } = await withQueued(t, 3)
  const queue = new Queue(store.intake)
  assert.equal((await queue.next())?.id, 1)
  await store.samples.delete(2)
  queue.ended([2, 3])
  assert.deepEqual([(await queue.next())?.id, await queue.next()], [3, null])
})

test('samples of which nobody knows that they were queued again are found, and none is examined twice', {
  timeout,
}, async (t) => {
  const { store } = await withQueued(t, 2)
  const gate = Promise.withResolvers<void>()
  const { pipeline, examined, processed } = await pipelineOver(t, store, async ({ id }, times) => {
    if (id === 2 && times === 1) await gate.promise
  })
  pipeline.wake()
  while (examined.length < 2) await new Promise(setImmediate)
  // The first one waits for its commit, the second one is under way.
  pipeline.wakeAfter(new Failure('storage.unavailable'))
  await new Promise(setImmediate)
  gate.resolve()
  await pipeline.idle()
  assert.deepEqual(examined, [1, 2])
  assert.deepEqual(processed, [1, 2])
  await store.intake.requeue(1)
  pipeline.wakeAfter(new Error('It was refused.'))
  await pipeline.idle()
  assert.deepEqual(processed, [1, 2])
  pipeline.wakeAfter(new Failure('storage.unavailable'))
  await pipeline.idle()
  assert.deepEqual(examined, [1, 2, 1])
  assert.deepEqual(processed, [1, 2, 1])
})

test('a sample that is examined once more is counted as queued until then', { timeout }, async (t) => {
  const { store } = await withQueued(t, 2)
  const { pipeline, processed, counts } = await pipelineOver(t, store, async ({ id }, times) => {
    if (id === 1 && times === 1) throw new Error('no room')
  })
  await pipeline.idle()
  assert.deepEqual(processed.sort(), [1, 2])
  assert.deepEqual(counts, { started: 3, putBack: 1 })
})

test('a commit whose answer was lost releases the archives that have waited, once', async (t) => {
  const { store, loseAnswerTo } = await withQueued(t, 3)
  await store.intake.record([{ ...arrived, sample: 2, archive: 1, root: 1, depth: 1 }])
  const queue = new Queue(store.intake)
  const [archive, member, other] = [await queue.next(), await queue.next(), await queue.next()] as Queued[]
  assert.ok(archive && member && other)
  const parts = completionOf(store)
  const ids = (samples: readonly { readonly id: number }[]) => samples.map(({ id }) => id)
  loseAnswerTo('completeSamples')
  assert.deepEqual(ids((await complete(parts, [examinedOf(archive, true)])).done), [])
  loseAnswerTo('completeSamples')
  assert.deepEqual(ids((await complete(parts, [examinedOf(member)])).done), [2, 1])

  const undone: Store['transaction'] = (unit, work) =>
    store.transaction(unit, async (tx) => {
      await work(tx)
      throw new Failure('storage.unavailable')
    })
  const refused = { ...store, transaction: undone }
  await assert.rejects(complete({ ...parts, store: refused }, [examinedOf(other)]), { code: 'storage.unavailable' })
  assert.deepEqual(ids((await complete(parts, [examinedOf(other)])).done), [3])
})

test('archives that waited for deleted members only are released, also where the answer was lost', async (t) => {
  const { store, loseAnswerTo } = await withQueued(t, 2)
  await store.intake.wait([
    { ...arrived, sample: 1, generation: 1 },
    { ...arrived, sample: 2, generation: 0 },
  ])
  loseAnswerTo('completeSamples')
  const { done, again } = await completeArchives(completionOf(store))
  assert.deepEqual([done.map(({ id }) => id), again], [[1], [2]])
})

test('samples are committed, also where their scan errors cannot be recorded', async (t) => {
  const { store } = await withQueued(t, 1)
  const queued = (await new Queue(store.intake).next()) as Queued
  const parts = completionOf(store, { reportScanErrors: () => Promise.reject(new Error('no connection')) })
  const { done } = await complete(parts, [examinedOf(queued)])
  assert.equal(done.length, 1)
  assert.equal(parts.log.errors.length, 1)
})
