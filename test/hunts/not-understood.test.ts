import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HuntingGround } from './hunt-fixture.ts'

/** A rule that our parser does not follow to its end, beside a harmless one. */
const text = `rule near { strings: $a = "odd number" condition: $a }
rule way { strings: $b = "odd number" condition: ${'('.repeat(600)}$b${')'.repeat(600)} }`
const early = ['near early', 'way early']
const late = ['near late', 'way late']

let ground: HuntingGround
before(async () => {
  ground = await HuntingGround.open()
  await ground.take('early', 'an odd number early')
  await ground.save('deep', text)
  await ground.take('late', 'an odd number late')
  await ground.take('none', 'nothing')
})
after(() => ground.close())

test('a rule that is not understood matches live, in a hunt and in Local Retro, and so does its neighbour', async () => {
  assert.deepEqual(await ground.matchesOf('deep'), late)
  assert.deepEqual(await ground.hunt(text), [...early, ...late].sort())
  await ground.appliance.localRetro.start(ground.admin)
  await ground.appliance.localRetro.idle()
  assert.deepEqual(await ground.matchesOf('deep'), [...early, ...late].sort())
})

test('explaining it says that it is hunted without the index, and its neighbour with it', async () => {
  const { texts } = await ground.appliance.explain([{ name: 'text', content: text }], new AbortController().signal)
  assert.deepEqual(
    texts[0]?.warnings.map(({ code, severity }) => [code, severity]),
    [['without-index', 'warning']],
  )
  assert.equal(texts[0]?.rules[0]?.plan, '$a: 7 grams, 5 long')
})
