import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnitOfWork } from '../store/index.ts'
import { CloudOutbox } from './outbox.ts'

test('the sender is woken when what was noted is committed, and once', async () => {
  let woken = 0
  const outbox = new CloudOutbox({ isConnected: true, wake: () => woken++ })
  const tx = {
    samples: { deleteUnreferenced: async () => {} },
    cloudRulesets: { find: async () => ({ revisionId: 1 }) },
    outbox: { find: async () => null, deleteByName: async () => {}, add: async () => {} },
  } as unknown as UnitOfWork
  outbox.committed()
  // A unit may run again before it is committed.
  for (let run = 0; run < 2; run++) await outbox.recordRemoval(tx, { id: 1, name: 'gone' })
  assert.equal(woken, 0)
  outbox.committed()
  outbox.committed()
  assert.equal(woken, 1)
})
