import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nowSeconds, startCloud, Tenant } from './tenant.ts'

/** As a client does that reads once: states as they are told, and then one page from before the start. */
test('when a retro hunt is told to be over, the feed has everything that it found', { timeout: 180_000 }, async (t) => {
  const cloud = await startCloud(t, ['--retro-matches', '3'])
  const tenant = await Tenant.add(cloud, 'once')
  const add = async (...texts: string[]) =>
    cloud.untilProcessed(await Promise.all(texts.map((text) => cloud.take(Buffer.from(text), 'a.txt'))))
  await add('found once', 'found once and again')
  await tenant.create('once', 'rule once { strings: $a = "found once" condition: $a }')
  for (let round = 0; round < 4; round++) {
    const start = nowSeconds() - 5
    await tenant.startRetro('once')
    await tenant.retroEnded('once')
    const { rl } = await tenant.page('retro', start)
    assert.equal(rl.feed.entries.length, 2, `round ${round}`)
  }
  await add('found once: three', 'found once: four', 'found once: five')
  const start = nowSeconds() - 5
  await tenant.startRetro('once')
  await tenant.retroEnded('once', 'CAPPED')
  assert.equal((await tenant.page('retro', start)).rl.feed.entries.length, 3)
})
