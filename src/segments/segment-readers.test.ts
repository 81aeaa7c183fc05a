/** Files of retired segments stay while some process may be reading them, on both databases. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { engines } from '../store/each-engine.fixture.ts'
import type { Store } from '../store/index.ts'
import { type SegmentFiles, Segments, type SegmentsParts } from './index.ts'

/** Processes that share a database and a place for files. Nothing is really written. */
class Processes {
  readonly removed: string[] = []
  /** Of the files that are kept, by their names. */
  readonly sizes = new Map<string, number>()
  minutes = 0
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  of(process: string): Segments {
    const files: Partial<SegmentFiles> = {
      process,
      graceMs: 0,
      isGone: () => null,
      pathOf: (file) => `/${file}`,
      sizes: async () => this.sizes,
      restore: async () => false,
      remove: async (path) => void this.removed.push(basename(path)),
      sweep: async () => 0,
    }
    const log = { info: () => {}, warn: () => {}, error: () => {} }
    const clock = () => this.minutes * 60_000
    return new Segments({ store: this.#store, files, log, clock } as unknown as SegmentsParts)
  }

  /** Makes a segment live. Returns its id. */
  async publish(file: string): Promise<number> {
    const { segments } = this.#store
    const id = await segments.stage({ file, process: 'writer', at: 1 })
    assert.ok(await segments.publish(id, { firstId: 1, lastId: 2, samples: 2, bytes: 9, at: 2 }))
    return id
  }

  async retire(id: number): Promise<void> {
    assert.equal(await this.#store.transaction('mergeSegments', ({ segments }) => segments.retire([id], 3)), 1)
  }
}

for (const { name, skip, fresh } of engines) {
  test(`a retired segment stays for whoever reads it, in whatever process (${name})`, { skip }, async (t) => {
    const processes = new Processes(await fresh(t))
    const [one, two] = [processes.of('one'), processes.of('two')]
    await one.sweep()
    await two.sweep()
    const [first, second] = [await processes.publish('first'), await processes.publish('second')]
    const early = await two.snapshot()
    await processes.retire(first)
    const late = await two.snapshot()
    assert.deepEqual(
      [early, late].map(({ segments }) => segments.map(({ path }) => path)),
      [['/first', '/second'], ['/second']],
    )
    assert.ok(early.generation < late.generation)
    await processes.retire(second)
    for (const process of [one, two, one]) assert.equal(await process.sweep(), 0)

    early.release()
    early.release()
    assert.equal(await one.sweep(), 0, 'two has not said yet that it reads nothing of that')
    assert.equal(await two.sweep(), 1)
    assert.deepEqual(processes.removed, ['first'])
    assert.equal(await one.sweep(), 0)
    late.release()
    assert.equal(await two.sweep(), 1)
    assert.deepEqual(processes.removed, ['first', 'second'])
  })

  test(`who begins to read while another process looks loses nothing (${name})`, { skip }, async (t) => {
    const store = await fresh(t)
    const processes = new Processes(store)
    const [one, two] = [processes.of('one'), processes.of('two')]
    await one.sweep()
    await two.sweep()
    const id = await processes.publish('read')
    const snapshot = await two.snapshot()
    await processes.retire(id)
    await one.sweep()
    const next = two.snapshot()
    // Its row is raised while a look at the index is under way, which may see the time before.
    await two.sweep()
    assert.deepEqual((await next).segments, [])
    assert.deepEqual(processes.removed, [])
    snapshot.release()
    await two.sweep()
    assert.deepEqual(processes.removed, ['read'])
  })

  test(`files are looked at where they are kept, and not where copies may be (${name})`, { skip }, async (t) => {
    const processes = new Processes(await fresh(t))
    const one = processes.of('one')
    await processes.publish('kept')
    await processes.publish('cut off')
    processes.sizes.set('kept', 9).set('cut off', 8)
    const { segments, problems } = await one.lookAtFiles()
    assert.equal(segments, 2)
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['/cut off has 8 bytes of 9'],
    )
    const [left] = (await one.snapshot()).segments
    assert.equal(left?.path, '/kept')
  })

  test(`what a process was writing, and what it read, is given up once it is silent (${name})`, { skip }, async (t) => {
    const store = await fresh(t)
    const processes = new Processes(store)
    const [one, lost, living] = [processes.of('one'), processes.of('lost'), processes.of('living')]
    for (const process of [one, lost, living]) await process.sweep()
    await lost.snapshot()
    const stage = (process: string) => store.segments.stage({ file: `of ${process}`, process, at: 1 })
    const [ofLost, ofLiving] = [await stage('lost'), await stage('living')]
    await processes.retire(await processes.publish('read by lost'))
    for (; processes.minutes < 30; processes.minutes += 10) {
      await living.sweep()
      assert.equal(await one.sweep(), 0)
    }
    processes.minutes += 10
    await living.sweep()
    await one.sweep()
    assert.deepEqual(processes.removed.sort(), ['of lost', 'read by lost'])
    const publish = (id: number) => store.segments.publish(id, { firstId: 1, lastId: 1, samples: 1, bytes: 1, at: 9 })
    assert.equal(await publish(ofLost), false, 'it comes too late')
    assert.equal(await publish(ofLiving), true)
    const unneeded = await stage('one')
    assert.equal(await store.segments.giveUp(unneeded, 9), true)
    assert.equal(await publish(unneeded), false, 'its file is about to be removed')
    assert.equal(await store.segments.giveUp(ofLiving, 9), false, 'it is live')
  })
}
