import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { engines } from './each-engine.fixture.ts'
import type { IntakeState } from './intake.ts'

const arrived: IntakeState = { stage: 'arrived', depth: 0, password: null, archive: null, root: null }
const member = (sample: number, archive: number, depth = 1) => ({ ...arrived, sample, archive, root: 1, depth })

for (const engine of engines) {
  const { name, skip } = engine

  /** A store with so many queued samples, with the ids from 1 on. */
  async function withQueued(t: TestContext, count: number) {
    const digest = (kind: string, n: number) => createHash(kind).update(String(n)).digest()
    const samples = Array.from({ length: count }, (_, at) => {
      const n = at + 1
      const digests = { sha256: digest('sha256', n), sha1: digest('sha1', n), md5: digest('md5', n) }
      return { ...digests, sha512: digest('sha512', n), size: n, name: `sample ${n}` }
    })
    const store = await engine.fresh(t)
    await store.samples.add(samples, 1)
    return { intake: store.intake, remove: (id: number) => store.samples.delete(id) }
  }

  test(`${name}: an archive is ready when it is matched and all members that it awaits are done, in either order`, {
    skip,
  }, async (t) => {
    const { intake } = await withQueued(t, 5)
    await intake.record([member(2, 1), member(3, 1)])
    assert.deepEqual(await intake.membersOf([1, 2]), [
      { archive: 1, member: 2 },
      { archive: 1, member: 3 },
    ])
    await intake.wait([{ ...arrived, sample: 1, generation: 7 }])
    assert.deepEqual(await intake.forget([2]), [1])
    assert.deepEqual(await intake.ready([1]), [])
    assert.deepEqual(await intake.forget([3]), [1])
    const ready = await intake.ready([1])
    assert.deepEqual(
      ready.map(({ id, size, generation }) => ({ id, size, generation })),
      [{ id: 1, size: 1, generation: 7 }],
    )
    assert.deepEqual(await intake.ready(), ready)

    await intake.record([member(5, 4)])
    assert.deepEqual(await intake.forget([5]), [4])
    assert.deepEqual(await intake.ready([4]), [], 'not matched yet')
    await intake.wait([{ ...arrived, sample: 4, generation: 7 }])
    assert.deepEqual(
      (await intake.ready([4])).map(({ id }) => id),
      [4],
    )
  })

  test(`${name}: an archive does not wait for a member that is deleted, and a deleted one is not waited for`, {
    skip,
  }, async (t) => {
    const { intake, remove } = await withQueued(t, 3)
    await intake.record([member(2, 1), member(3, 2, 2)])
    await intake.wait([
      { ...arrived, sample: 1, generation: 7 },
      { ...member(2, 1), generation: 7 },
      { ...arrived, sample: 99, generation: 7 },
    ])
    await remove(2)
    assert.deepEqual(
      (await intake.ready()).map(({ id }) => id),
      [1],
    )
    assert.deepEqual(await intake.forget([3]), [2])
    assert.deepEqual(await intake.ready([2]), [])
  })

  test(`${name}: the queue has what is not waiting, in order, with what is remembered of it`, { skip }, async (t) => {
    const { intake } = await withQueued(t, 4)
    await intake.record([{ ...arrived, sample: 1, password: 'secret' }, member(2, 1), member(3, 1)])
    await intake.wait([{ ...member(2, 1), generation: 1 }])
    assert.deepEqual(await intake.queue(), { count: 4, last: 4 })
    const first = await intake.next({ after: 0 }, 3)
    assert.equal(first.last, 3)
    assert.deepEqual(
      first.samples.map(({ id, state }) => ({ id, ...state })),
      [
        { id: 1, ...arrived, password: 'secret' },
        { id: 3, ...arrived, archive: 1, root: 1, depth: 1 },
      ],
    )
    assert.deepEqual(
      (await intake.next({ after: 3 }, 3)).samples.map(({ id, name, called, state }) => ({ id, name, called, state })),
      [{ id: 4, name: 'sample 4', called: null, state: arrived }],
    )
    assert.deepEqual(await intake.next({ after: 4 }, 3), { samples: [], last: null })
    await intake.matchAgain([2])
    const [again] = (await intake.next({ ids: [2, 77] }, 3)).samples
    assert.deepEqual(again?.state, { ...arrived, stage: 'rematch', archive: 1, root: 1, depth: 1 })
  })

  test(`${name}: charges add up, go to what was sent, and are passed by the place`, { skip }, async (t) => {
    const { intake, remove } = await withQueued(t, 3)
    const whole = { members: 100, bytes: 1_000 }
    assert.equal(await intake.allowance(1), null)
    await intake.record([member(2, 1)])
    await intake.charge(
      [
        { archive: 1, root: 1, members: 1, bytes: 10 },
        { archive: 1, root: 1, members: 1, bytes: 20 },
        { archive: 2, root: 1, members: 1, bytes: 5 },
        { archive: 99, root: 98, members: 1, bytes: 5 },
      ],
      whole,
    )
    assert.deepEqual(await intake.allowance(1), { members: 97, bytes: 965 })
    await intake.charge([{ archive: 2, root: 1, members: 4, bytes: 0 }], whole)
    assert.deepEqual(await intake.allowance(1), { members: 93, bytes: 965 })
    assert.equal(await intake.allowance(98), null)
    await intake.recordPlace(2, 'half way', { members: 3, bytes: 5 })
    const { samples } = await intake.next({ after: 0 }, 10)
    assert.deepEqual(
      samples.map(({ id, place, charged, state }) => ({ id, place, charged, depth: state.depth })),
      [
        { id: 1, place: null, charged: { members: 2, bytes: 30 }, depth: 0 },
        { id: 2, place: 'half way', charged: { members: 2, bytes: 0 }, depth: 1 },
        { id: 3, place: null, charged: { members: 0, bytes: 0 }, depth: 0 },
      ],
    )
    await intake.forget([2])
    assert.deepEqual(await intake.allowance(1), { members: 93, bytes: 965 }, 'more may come out of the upload')
    await intake.forget([1])
    assert.equal(await intake.allowance(1), null)
    await intake.charge([{ archive: 3, root: 3, members: 1, bytes: 1 }], whole)
    await remove(3)
    assert.equal(await intake.allowance(3), null)
  })
}
