import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standIn } from './stand-in.ts'

class Counter {
  #count = 0
  readonly steps = { by: 2 }

  add(): number {
    this.#count += this.steps.by
    return this.#count
  }
}

test('what was taken from a stand-in works once the services are there, and fails before', async () => {
  const { services, become } = standIn<{ counter: Counter; double: (n: number) => number; term: string | null }>()
  const { counter, double } = services
  const { steps } = counter
  assert.notEqual(services.term, null)
  assert.throws(() => counter.add(), /the services\.counter\.add was called before/)
  assert.throws(() => double(1), /before/)
  assert.equal(await Promise.resolve(counter), counter, 'nothing waits for it')
  const real = { counter: new Counter(), double: (n: number) => 2 * n, term: 'one' }
  become(real)
  assert.deepEqual([counter.add(), counter.add(), double(4), steps.by], [2, 4, 8, 2])
  assert.equal(services.counter.add(), 6)
  assert.equal(services.term, 'one')
  become({ ...real, term: null })
  assert.equal(services.term, null)
})
