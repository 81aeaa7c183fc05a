import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chains, nextMerge } from './chains.ts'

const extent = (firstId: number, lastId: number, samples = lastId - firstId + 1, deleted = 0) => ({
  firstId,
  lastId,
  samples,
  deleted,
})

/** The seed is told where a test fails, so that it can be repeated. */
function randomNumbers(seed = Math.floor(Math.random() * 2 ** 31)) {
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
  return { seed, random }
}

test('segments are dealt into chains of disjoint ones', () => {
  const [a, b, late, c, later] = [
    extent(1, 400),
    extent(401, 800),
    extent(402, 403, 2),
    extent(801, 900),
    extent(802, 810),
  ]
  assert.deepEqual(chains([a, b, late, c, later]), [
    [a, b, c],
    [late, later],
  ])
})

test('what is to be merged ascends and is disjoint, or lies close together', () => {
  const { seed, random } = randomNumbers()
  let merges = 0
  for (let round = 0; round < 200; round++) {
    const segments = Array.from({ length: 2 + random(60) }, () => {
      const first = 1 + random(300_000)
      const span = 1 + random(90)
      return extent(first, first + span - 1, 1 + random(span))
    }).sort((a, b) => a.firstId - b.firstId)
    const inputs = nextMerge(segments)
    if (inputs === null) continue
    merges++
    const span = Math.max(...inputs.map(({ lastId }) => lastId)) - (inputs[0]?.firstId ?? 0)
    inputs.forEach((input, i) => {
      const next = inputs[i + 1]
      assert.ok(next === undefined || input.firstId <= next.firstId, `seed ${seed}, round ${round}`)
      const isDisjoint = next === undefined || input.lastId < next.firstId
      assert.ok(isDisjoint || span < 65_536, `seed ${seed}, round ${round}`)
    })
  }
  assert.ok(merges > 20, `seed ${seed}`)
})

test('segments that all overlap are joined until few are left', () => {
  const { seed, random } = randomNumbers()
  // Commits of a thousand samples, each with some that came up to 5,000 ids earlier.
  let segments = Array.from({ length: 60 }, (_, n) =>
    extent(Math.max(1, n * 800 - random(5_000)), (n + 1) * 800 + random(300), 800),
  ).sort((a, b) => a.firstId - b.firstId)
  for (let inputs = nextMerge(segments); inputs !== null; inputs = nextMerge(segments)) {
    const merged = extent(
      Math.min(...inputs.map(({ firstId }) => firstId)),
      Math.max(...inputs.map(({ lastId }) => lastId)),
      inputs.reduce((sum, { samples }) => sum + samples, 0),
    )
    const gone = new Set(inputs)
    segments = [...segments.filter((segment) => !gone.has(segment)), merged].sort((a, b) => a.firstId - b.firstId)
  }
  assert.ok(segments.length < 10, `seed ${seed}: ${segments.length} are left of 60`)
})

test('latecomers that lie far apart are not joined, since their segment would span all between them', () => {
  const main = extent(1, 1_000_000)
  const late = Array.from({ length: 70 }, (_, i) => extent(2 + i * 14_000, 2 + i * 14_000))
  assert.equal(nextMerge([main, ...late]), null)
  const near = Array.from({ length: 70 }, (_, i) => extent(2 + i * 10, 2 + i * 10))
  assert.equal(nextMerge([main, ...near])?.length, 64)
})

test('small segments that never add up to a larger one do not become many', () => {
  const { seed, random } = randomNumbers()
  for (let round = 0; round < 20; round++) {
    let segments: ReturnType<typeof extent>[] = []
    let id = 1
    for (let commit = 0; commit < 300; commit++) {
      // Single samples between segments that are merged with nothing any more.
      const samples = random(30) === 0 ? 33_000 : 1
      segments.push(extent(id, id + samples - 1))
      id += samples
      for (let inputs = nextMerge(segments); inputs !== null; inputs = nextMerge(segments)) {
        const joined = inputs
        const samples = joined.reduce((sum, segment) => sum + segment.samples, 0)
        const ends = joined.map(({ lastId }) => lastId)
        segments = [
          ...segments.filter((segment) => !joined.includes(segment)),
          extent(joined[0]?.firstId ?? 0, Math.max(...ends), samples),
        ].sort((a, b) => a.firstId - b.firstId)
      }
    }
    const small = segments.filter(({ samples }) => samples < 4_096)
    for (const { firstId } of small) {
      const near = small.filter((other) => other.firstId >= firstId && other.lastId < firstId + 60_000)
      assert.ok(near.length <= 16, `seed ${seed}, round ${round}: ${near.length} small segments lie close together`)
    }
  }
})
