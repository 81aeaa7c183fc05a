import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Store } from '../store.ts'
import { Bucket } from './bucket.ts'
import { ObjectServer } from './object-server.fixture.ts'
import { demandOwnPrefix } from './owner.ts'

/** As much of a database as is asked. */
function database(contents = 0): Pick<Store, 'settings' | 'samples'> & { contents: number } {
  const settings = new Map<string, string>()
  const made = {
    contents,
    settings: {
      find: async (key: string) => settings.get(key) ?? null,
      set: async (key: string, value: string) => void settings.set(key, value),
    },
    samples: { countContents: async () => made.contents },
  }
  return made as unknown as Pick<Store, 'settings' | 'samples'> & { contents: number }
}

async function freshStore(t: TestContext) {
  const store = await ObjectServer.start(t)
  const at = async (prefix: string) => {
    const bucket = await Bucket.open(store.settings(prefix))
    t.after(() => bucket.close())
    return bucket
  }
  return { store, at }
}

test('a cluster takes a prefix of nobody, and finds it again as its own', async (t) => {
  const { at } = await freshStore(t)
  const [bucket, rows] = [await at('one'), database()]
  await demandOwnPrefix(bucket, rows)
  await demandOwnPrefix(bucket, rows)
})

test('a prefix of another cluster is refused, whether the database is new or has its own', async (t) => {
  const { at } = await freshStore(t)
  const [one, two] = [await at('one'), await at('two')]
  const rows = database()
  await demandOwnPrefix(one, rows)
  await demandOwnPrefix(two, database())
  const refused = { code: 'storage.unusable', message: /belong to another cluster/ }
  await assert.rejects(demandOwnPrefix(one, database()), refused)
  await assert.rejects(demandOwnPrefix(two, rows), refused)
})

test('an empty prefix is refused for a database that has samples', async (t) => {
  const { at } = await freshStore(t)
  const rows = database()
  await demandOwnPrefix(await at('one'), rows)
  rows.contents = 1
  await assert.rejects(demandOwnPrefix(await at('three'), rows), {
    code: 'storage.unusable',
    message: /There is nothing of this cluster/,
  })
  await demandOwnPrefix(await at('one'), rows)
})

test('where a start was ended between row and marker, the next one makes the marker', async (t) => {
  const { at, store } = await freshStore(t)
  const rows = database()
  await demandOwnPrefix(await at('one'), rows)
  store.objects.clear()
  await demandOwnPrefix(await at('one'), rows)
  assert.equal(store.objects.size, 1)
})

test('a marker that is no marker is refused', async (t) => {
  const { at, store } = await freshStore(t)
  await demandOwnPrefix(await at('one'), database())
  for (const kept of store.objects.values()) kept.bytes = Buffer.from('{')
  await assert.rejects(demandOwnPrefix(await at('one'), database()), { code: 'storage.unusable' })
})
