import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engines } from './each-engine.fixture.ts'
import type { Repositories } from './store.ts'

/** For a call that would never end; nothing that is measured. */
const timeout = 60_000

for (const { name, skip, fresh } of engines) {
  test(`${name}: a call of the store inside a unit of work is refused by name, and the unit is undone`, {
    timeout,
    skip,
  }, async (t) => {
    const store = await fresh(t)
    const unit = store.transaction('classify', async (tx) => {
      await tx.settings.set('within', 'the unit')
      await store.settings.find('within')
    })
    await assert.rejects(unit, /^Error: settings\.find of the store was called inside the unit of work "classify"/)
    assert.equal(await store.settings.find('within'), null)
  })

  test(`${name}: no method of any repository of the store is open to a unit of work`, { timeout, skip }, async (t) => {
    const store = await fresh(t)
    const { transaction, close, ...repositories } = store
    let called = 0
    await store.transaction('admitSamples', async () => {
      for (const [noun, repository] of Object.entries(repositories)) {
        for (const [verb, method] of Object.entries(repository as unknown as Record<string, () => Promise<unknown>>)) {
          await assert.rejects(method(), new RegExp(`^Error: ${noun}\\.${verb} of the store .* "admitSamples"`))
          called++
        }
      }
    })
    assert.ok(called > 100, `only ${called} methods`)
  })

  test(`${name}: a unit of work inside another one is refused, wherever in it the inner one begins`, {
    timeout,
    skip,
  }, async (t) => {
    const store = await fresh(t)
    const inner = () => store.transaction('deleteSamples', async (tx) => tx.samples.lastId())
    const refused =
      /^Error: transaction "deleteSamples" of the store was called inside the unit of work "completeSamples"/
    await assert.rejects(store.transaction('completeSamples', inner), refused)
    const afterQuery = store.transaction('completeSamples', async (tx) => {
      await tx.samples.lastId()
      return Promise.all([tx.samples.lastId(), inner()])
    })
    await assert.rejects(afterQuery, refused)
    assert.equal(await inner(), 0)
  })

  test(`${name}: what a unit of work has begun may use the store once it has ended, and others see what was committed`, {
    timeout,
    skip,
  }, async (t) => {
    const store = await fresh(t)
    const read = ({ settings }: Repositories) => settings.find('key')
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    let later: Promise<string | null> | undefined
    const unit = store.transaction('changeCloud', async (tx) => {
      begin()
      await tx.settings.set('key', 'value')
      later = ended.then(() => read(store))
      assert.equal(await read(tx), 'value')
    })
    await begun
    // On one connection it waits for the unit; on several it may see what was there before.
    const beside = await read(store)
    if (name === 'SQLite') assert.equal(beside, 'value', 'a call beside the unit sees what it has written')
    await unit
    end()
    assert.equal(await later, 'value')
  })

  test(`${name}: a unit of work of one store may use another store`, { timeout, skip }, async (t) => {
    const [store, other] = [await fresh(t), await fresh(t)]
    assert.equal(await store.transaction('classify', () => other.samples.lastId()), 0)
  })
}
