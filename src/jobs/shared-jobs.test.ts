/** Parts of hunts go to nodes and come back, on both databases; what nodes do is real but for the work itself. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RuleSet } from '../scanning/index.ts'
import { programVersion } from '../settings/index.ts'
import { engines } from '../store/each-engine.fixture.ts'
import { now, type Store } from '../store/index.ts'
import type { JobInput, JobOutput } from './job.ts'
import { NodeLoop } from './node-loop.ts'
import { pack, unpack } from './packing.ts'
import { SharedJobs } from './shared-jobs.ts'
import type { JobOptions, Work } from './work.ts'

const ruleSet: RuleSet = { id: 'hunt:1', rulesets: [{ key: 'h1.0', name: 'r', content: 'a text', plan: 'a plan' }] }
const how: JobOptions = { ruleSet: ruleSet.id, priority: 'hunt' }
const log = { info: () => {}, warn: () => {}, error: () => {} }

/** A job for the samples of these numbers. */
const jobOf = (...samples: number[]): JobInput<'verify'> => ({
  items: samples.map((sample) => ({
    ...{ sample, sha256: new Uint8Array(32), size: 1, rulesets: null },
    variables: { filename: 'ü', filepath: '', extension: '', filetype: '', owner: '' },
  })),
  strings: true,
})

interface Done {
  readonly by: string
  readonly samples: readonly number[]
  readonly ruleSet: string
}

/** Work whose answer says who has done it, once `until` resolves. */
function workOf(by: string, done: Done[], until: (signal?: AbortSignal) => Promise<unknown> = async () => {}): Work {
  return {
    run: async (_kind: string, { items }: JobInput<'verify'>, { ruleSet, signal }: JobOptions) => {
      await until(signal)
      done.push({ by, samples: items.map(({ sample }) => sample), ruleSet })
      const hit = { ruleset: 'h1.0', rule: by, tags: [], meta: {}, strings: [] }
      return {
        results: items.map(({ sample }) => ({ sample, hits: [hit], errors: [] })),
        scannedBytes: 2 ** 40,
        tookMs: 1,
      } satisfies JobOutput<'verify'>
    },
  } as unknown as Work
}

const doneBy = ({ results }: JobOutput<'verify'>) => results.map(({ hits }) => hits[0]?.rule)

/**
 * A store in which nodes are connected until they are gone, and claim nothing then: the locks of their sessions are shown
 * where there are real ones, in test/cluster.
 */
function withLocks(store: Store, gone: ReadonlySet<number>): Store {
  const list = async () => (await store.nodes.list()).map((node) => ({ ...node, isConnected: !gone.has(node.id) }))
  const claim: Store['huntParts']['claim'] = async (node, ...rest) =>
    gone.has(node) ? [] : store.huntParts.claim(node, ...rest)
  return { ...store, nodes: { ...store.nodes, list }, huntParts: { ...store.huntParts, claim } }
}

async function withHunt(store: Store): Promise<void> {
  await store.users.add({ name: 'u', passwordHash: '', role: 'administrator', contributes: false, created: 1 })
  const adHoc = { title: null, texts: Buffer.from('[]'), selection: '{}', useIndex: true }
  await store.hunts.add({ kind: 'ad-hoc', state: 'queued', startedBy: 1, created: 1, lastSampleId: 9, adHoc })
}

interface Cluster {
  readonly store: Store
  readonly done: Done[]
  readonly jobs: SharedJobs
  /** Nodes that lost their locks. */
  readonly gone: Set<number>
  /** Returns the id of the node. */
  addNode(work: Work, version?: string): Promise<number>
}

async function open(
  t: TestContext,
  fresh: (t: TestContext) => Promise<Store>,
  { isWorking, until, claimDelayMs }: { isWorking: boolean; until?: () => Promise<unknown>; claimDelayMs?: number },
): Promise<Cluster> {
  const gone = new Set<number>()
  // The newest is closed first: nothing is to work on a store that is closed.
  const closes: (() => unknown)[] = []
  t.after(async () => {
    for (const close of closes.reverse()) await close()
  })
  const within = { after: (close: () => unknown) => closes.push(close) } as unknown as TestContext
  const store = withLocks(await fresh(within), gone)
  await withHunt(store)
  const done: Done[] = []
  const jobs = new SharedJobs({
    ...{ store, work: workOf('server', done, until), workers: 1, version: programVersion, log },
    leaves: isWorking ? [] : ['hunts'],
    ...(claimDelayMs !== undefined && { claimDelayMs }),
  })
  await jobs.start()
  closes.push(() => jobs.stop())
  jobs.begin(1, ruleSet)
  return {
    ...{ store, done, jobs, gone },
    async addNode(work, version = programVersion) {
      const id = await store.nodes.add({ name: 'n', version, workers: 1, cacheLimit: 1, started: 1 })
      const pool = { setRuleSet: (set: RuleSet) => assert.deepEqual(set.rulesets, ruleSet.rulesets), dropRuleSet() {} }
      const files = { pathOf: (file: string) => file, restore: async () => true }
      const node = new NodeLoop({ id, store, work, pool, files, workers: 1, cacheBytes: () => 7, log })
      node.start()
      closes.push(() => node.stop(0))
      return id
    },
  }
}

async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const start = performance.now(); !(await holds()); await delay(5))
    if (performance.now() - start > 20_000) throw new Error(`waited in vain until ${what}`)
}

for (const { name, skip, fresh } of engines) {
  test(`without nodes the server does all by itself (${name})`, { skip, timeout: 60_000 }, async (t) => {
    const { jobs, store } = await open(t, fresh, { isWorking: false })
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(1, 2), how)), ['server', 'server'])
    assert.equal(jobs.width, 2)
    assert.deepEqual(await store.huntParts.list(), [])
  })

  test(`nodes of another version are left out: the server does all by itself (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, addNode } = await open(t, fresh, { isWorking: false })
    await addNode(workOf('node', []), 'another')
    await until(() => jobs.nodes.length === 1, 'the node is known')
    assert.equal(jobs.isWorking('hunts'), true)
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(1), how)), ['server'])
  })

  test(`a job that is only shared comes back where nobody has claimed it in time (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    const share = (isWantedBack: () => boolean) => jobs.share('verify', jobOf(1), { ruleSet: ruleSet.id, isWantedBack })
    assert.equal(await share(() => false), null, 'there is nobody to share it with')
    const id = await store.nodes.add({ name: 'n', version: programVersion, workers: 1, cacheLimit: 1, started: 1 })
    await until(() => jobs.nodes.length === 1, 'the node is known')
    let looks = 0
    assert.equal(await share(() => ++looks > 3), null)
    await store.nodes.delete([id])
    await addNode(workOf('node', done))
    const shared = await share(() => false)
    assert.deepEqual(shared && doneBy(shared), ['node'])
    assert.equal(jobs.elsewhere(), 0)
  })

  test(`a node does what the server leaves to it, and the answer is as it was made (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    await addNode(workOf('node', done))
    await until(() => jobs.width > 2, 'the node is known')
    const answers = await Promise.all([jobs.run('verify', jobOf(1, 2), how), jobs.run('verify', jobOf(3), how)])
    assert.deepEqual(answers.map(doneBy), [['node', 'node'], ['node']])
    assert.equal(answers[0]?.scannedBytes, 2 ** 40)
    assert.ok(done.every(({ ruleSet }) => ruleSet.startsWith('parts:')))
    await until(async () => (await store.huntParts.list()).length === 0, 'nothing of them is left')
    await jobs.end(ruleSet.id)
    assert.equal(await store.huntParts.findRules(1), null)
    await until(async () => (await store.nodes.list())[0]?.done === 2, 'the node has counted them')
  })

  test(`a server with work of its own shares what is beyond it (${name})`, { skip, timeout: 60_000 }, async (t) => {
    const busy = Promise.withResolvers<void>()
    const { jobs, done, addNode } = await open(t, fresh, { isWorking: true, until: () => busy.promise })
    await addNode(workOf('node', done))
    await until(() => jobs.width > 2, 'the node is known')
    const all = [1, 2, 3, 4].map((n) => jobs.run('verify', jobOf(n), how))
    assert.deepEqual((await Promise.all(all.slice(2))).flatMap(doneBy), ['node', 'node'])
    busy.resolve()
    assert.deepEqual((await Promise.all(all)).flatMap(doneBy), ['server', 'server', 'node', 'node'])
  })

  test(`what a node fails at, the server does (${name})`, { skip, timeout: 60_000 }, async (t) => {
    const { jobs, store, addNode } = await open(t, fresh, { isWorking: false })
    await addNode(workOf('node', [], () => Promise.reject(new Error('no disk'))))
    await until(() => jobs.width > 2, 'the node is known')
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(1), how)), ['server'])
    await until(async () => (await store.nodes.list())[0]?.failed === 1, 'the node has counted it')
  })

  test(`a part that another node is wanted for, and leaves, is for all after a while (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    // Of the same name, so that the first of them is wanted.
    await store.nodes.add({ name: 'n', version: programVersion, workers: 1, cacheLimit: 1, started: 1 })
    await addNode(workOf('node', done))
    await until(() => jobs.nodes.length === 2, 'both nodes are known')
    const ofSegment = { ...jobOf(1), segment: 'a segment' }
    assert.deepEqual(doneBy(await jobs.run('verify', ofSegment, how)), ['node'])
  })

  test(`what a node says of samples that it was not asked about is not believed (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, addNode } = await open(t, fresh, { isWorking: false })
    const honest = workOf('node', [])
    const run = (kind: 'verify', { items }: JobInput<'verify'>, how: JobOptions) =>
      honest.run(kind, { ...jobOf(...items.map(({ sample }) => sample + 1)) }, how)
    await addNode({ run } as unknown as Work)
    await until(() => jobs.width > 2, 'the node is known')
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(1), how)), ['server'])
  })

  test(`rules that are gone are stored anew, and parts that nobody knows are deleted (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    await addNode(workOf('node', done))
    await until(() => jobs.width > 2, 'the node is known')
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(1), how)), ['node'])
    await store.huntParts.clear()
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(2), how)), ['server'])
    const rulesId = await store.huntParts.addRules(1, 'another', new Uint8Array())
    const part = { rulesId, kind: 'verify', input: new Uint8Array(), wantedBy: null } as const
    await store.huntParts.offer({ ...part, created: 1 })
    const young = await store.huntParts.offer({ ...part, created: now() })
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(3), how)), ['node'])
    await until(async () => (await store.huntParts.list()).length <= 1, 'the old one is deleted')
    assert.deepEqual(
      (await store.huntParts.list()).map(({ id }) => id),
      [young],
    )
  })

  test(`outputs of many parts that end at once are read some at a time (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store } = await open(t, fresh, { isWorking: false })
    const id = await store.nodes.add({ name: 'n', version: programVersion, workers: 1, cacheLimit: 1, started: 1 })
    await until(() => jobs.nodes.length === 1, 'the node is known')
    const results = t.mock.method(store.huntParts, 'results')
    const samples = Array.from({ length: 40 }, (_, n) => n)
    const share = (sample: number) =>
      jobs.share('verify', jobOf(sample), { ruleSet: ruleSet.id, isWantedBack: () => false })
    const answers = Promise.all(samples.map(share))
    await until(async () => (await store.huntParts.list()).length === samples.length, 'all are offered')
    const claimed = await store.huntParts.claim(id, [{ kinds: ['verify'], most: 99 }])
    await store.transaction('changeCloud', async ({ huntParts }) => {
      for (const { id, fence, input } of claimed) {
        const { items } = unpack<JobInput<'verify'>>(input)
        const found = items.map(({ sample }) => ({ sample, hits: [], errors: [] }))
        await huntParts.settle(id, fence, pack({ results: found, scannedBytes: 1, tookMs: 1 }))
      }
    })
    const found = (await answers).map((answer) => answer?.results[0]?.sample)
    assert.deepEqual(found, samples)
    assert.deepEqual(
      results.mock.calls.map(({ arguments: [ids] }) => ids.length),
      [16, 16, 8],
    )
  })

  test(`a node that has failed claims one part at a time until it has done one (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    const claim = t.mock.method(store.huntParts, 'claim')
    const most = () => claim.mock.calls.at(-1)?.arguments[1].find(({ kinds }) => kinds.includes('verify'))?.most
    let isDiskThere = false
    const disk = async () => assert.ok(isDiskThere, 'no disk')
    await addNode(workOf('node', done, disk))
    await until(() => jobs.width > 2 && most() === 4, 'the node is known')
    const all = await Promise.all([1, 2].map((n) => jobs.run('verify', jobOf(n), how)))
    assert.deepEqual(all.flatMap(doneBy), ['server', 'server'])
    isDiskThere = true
    // After its pause.
    await until(() => most() === 1, 'it looks for one')
    assert.deepEqual(doneBy(await jobs.run('verify', jobOf(4), how)), ['node'])
    await until(() => most() === 4, 'it looks for as many as before')
  })

  test(`while nodes claim nothing, the server works on hunts that it leaves to them (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    let gate = Promise.resolve()
    const unclaimed = { isWorking: false, claimDelayMs: 50, until: () => gate }
    const { jobs, store, done, addNode } = await open(t, fresh, unclaimed)
    await store.nodes.add({ name: 'n', version: programVersion, workers: 1, cacheLimit: 1, started: 1 })
    await until(() => jobs.nodes.length === 1, 'the node is known')
    assert.equal(jobs.isWorking('hunts'), false)
    const run = (n: number) => jobs.run('verify', jobOf(n), how)
    const all = await Promise.all([1, 2, 3, 4].map(run))
    assert.deepEqual(all.flatMap(doneBy), ['server', 'server', 'server', 'server'])
    assert.equal(jobs.isWorking('hunts'), true)
    await addNode(workOf('node', done))
    const busy = Promise.withResolvers<void>()
    gate = busy.promise
    const here = [run(5), run(6)]
    assert.deepEqual(doneBy(await run(7)), ['node'])
    assert.equal(jobs.isWorking('hunts'), false)
    busy.resolve()
    assert.deepEqual((await Promise.all(here)).flatMap(doneBy), ['server', 'server'])
  })

  test(`parts of a node that is gone go on with another, and what it says later is refused (${name})`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const stuck = Promise.withResolvers<void>()
    // Before the node is stopped, which waits for its work.
    t.after(() => stuck.resolve())
    const { jobs, store, done, gone, addNode } = await open(t, fresh, { isWorking: false })
    const first = await addNode(workOf('first', done, () => stuck.promise))
    await until(() => jobs.nodes.length === 1, 'the node is known')
    const answer = jobs.run('verify', jobOf(1), how)
    await until(async () => (await store.huntParts.list())[0]?.nodeId === first, 'the node has it')
    const [held] = await store.huntParts.heldBy(first)
    await addNode(workOf('second', done))
    // A server that knew only the one that is lost would do the part itself.
    await until(() => jobs.nodes.length === 2, 'the other node is known')
    gone.add(first)
    assert.deepEqual(doneBy(await answer), ['second'])
    assert.equal(await store.huntParts.settle(held?.id ?? 0, held?.fence ?? 0, Buffer.from('late')), false)
    stuck.resolve()
  })

  test(`what was aborted is not worked on any more (${name})`, { skip, timeout: 60_000 }, async (t) => {
    const { jobs, store, done, addNode } = await open(t, fresh, { isWorking: false })
    const aborted = Promise.withResolvers<void>()
    const untilAborted = async (signal?: AbortSignal) => {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      aborted.resolve()
      throw signal?.reason
    }
    await addNode(workOf('node', done, untilAborted))
    await until(() => jobs.width > 2, 'the node is known')
    const abort = new AbortController()
    const answer = jobs.run('verify', jobOf(1), { ...how, signal: abort.signal })
    await until(async () => (await store.huntParts.list())[0]?.state === 'claimed', 'the node has it')
    abort.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)
    await aborted.promise
    assert.deepEqual(await store.huntParts.list(), [])
    assert.deepEqual(done, [])
  })
}
