import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from './fixtures/open-pool.ts'

test('an error of a worker process arrives with its code, and with its stack within that process', async (t) => {
  const { pool, folder } = openPool(t)
  const failed = pool.run('entropy', { path: `${folder}/is-not-there`, slices: 8 }, { priority: 'interactive' })
  const error = await failed.then(
    () => assert.fail('it read what is not there'),
    (thrown) => thrown,
  )
  assert.equal(error.code, 'ENOENT')
  // A source of the worker, or what was built of all of them.
  assert.match(error.stack, /in the worker process: Error: ENOENT.*\n\s+at [\s\S]*worker\/(?:entropy\.ts|main\.js)/)
})
