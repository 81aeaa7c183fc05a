import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PriorityQueue } from './priorities.ts'

function takeAll(queue: PriorityQueue<string>): string {
  const order: string[] = []
  for (let task = queue.take(); task !== null; task = queue.take()) order.push(task)
  return order.join(' ')
}

test('urgent lanes are served first', () => {
  const queue = new PriorityQueue<string>()
  queue.add('background', '', 'b')
  queue.add('hunt', '', 'h')
  queue.add('live', '', 'l')
  queue.add('interactive', '', 'i')
  assert.equal(takeAll(queue), 'i l h b')
})

test('groups of a lane take turns, tasks of a group keep their order', () => {
  const queue = new PriorityQueue<string>()
  for (const task of ['a1', 'a2', 'a3']) queue.add('hunt', 'ann', task)
  for (const task of ['b1', 'b2']) queue.add('hunt', 'bob', task)
  assert.equal(takeAll(queue), 'a1 b1 a2 b2 a3')
})

test('a steady stream of urgent tasks slows the others, and does not stop them', () => {
  const queue = new PriorityQueue<string>()
  queue.add('background', '', 'last')
  let taken = ''
  for (let n = 0; n < 20 && taken !== 'last'; n++) {
    queue.add('live', '', 'live')
    taken = queue.take() ?? ''
  }
  assert.equal(taken, 'last')
})

test('a task that had started goes back to the front of its group, and one that is removed is gone', () => {
  const queue = new PriorityQueue<string>()
  for (const task of ['a1', 'a2', 'a3']) queue.add('hunt', 'ann', task)
  queue.addFirst('hunt', 'ann', 'a0')
  queue.remove('hunt', 'ann', 'a2')
  queue.remove('hunt', 'ann', 'never there')
  assert.equal(queue.waiting('hunt'), 3)
  assert.equal(takeAll(queue), 'a0 a1 a3')
  assert.equal(queue.first(), null)
})
