import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredNode } from '../store/index.ts'
import { LiveNodes } from './live-nodes.ts'
import { placeOf } from './placement.ts'

const node = (id: number, beat: number, isConnected = true): StoredNode => ({
  ...{ id, beat, isConnected, name: `n${id}`, version: '1', workers: 1, cacheLimit: 1, started: 1, seen: 1 },
  ...{ done: 0, failed: 0, refused: 0, cacheBytes: 0 },
})
const idsOf = (nodes: readonly StoredNode[]) => nodes.map(({ id }) => id)

test('a node without its lock is gone at once, and a silent one after a while; both can come back', () => {
  const nodes = new LiveNodes(5_000)
  assert.deepEqual(idsOf(nodes.observe([node(1, 0), node(2, 0), node(3, 0, false)], 0)), [3])
  assert.deepEqual(idsOf(nodes.all), [1, 2])
  assert.deepEqual(idsOf(nodes.observe([node(1, 1), node(2, 0)], 4_000)), [])
  assert.deepEqual(idsOf(nodes.observe([node(1, 2), node(2, 0)], 5_001)), [2])
  assert.ok(nodes.has(1) && !nodes.has(2) && !nodes.has(null))
  assert.deepEqual(idsOf(nodes.observe([node(1, 3, false), node(2, 1)], 6_000)), [1])
  assert.deepEqual(idsOf(nodes.all), [2])
  assert.deepEqual([nodes.silence(2, 6_500), nodes.silence(1, 7_000), nodes.silence(9, 7_000)], [500, 1_000, 0])
})

test('each object has its place, and keeps it when another node comes or goes', () => {
  const objects = Array.from({ length: 3_000 }, (_, n) => `segment ${n}`)
  const four = [1, 2, 3, 4].map((id) => ({ id, name: `n${id}` }))
  const before = objects.map((object) => placeOf(object, four))
  for (const { id } of four) {
    const share = before.filter((place) => place === id).length
    assert.ok(share > 600 && share < 900, `node ${id} has ${share} of 3,000`)
  }
  const after = objects.map((object) => placeOf(object, four.slice(1)))
  for (const [n, place] of before.entries()) if (place !== 1) assert.equal(after[n], place)
  assert.equal(placeOf('a', []), null)
})
