/** Conditions about what samples are called, decided without reading any. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HuntingGround } from './hunt-fixture.ts'

let ground: HuntingGround
before(async () => {
  ground = await HuntingGround.open()
  await ground.takeAll(
    new Map<string, string | Buffer>([
      ['hello.txt', 'say hello to the world, said the greeter, and greeted'],
      ['loud.txt', 'SAY HELLO TO THE WORLD, said the shouter, and shouted'],
      ['wide.bin', Buffer.from('nothing here but hello to the world in sixteen bits', 'utf16le')],
      ['other.txt', 'there is nothing of interest in this one, and nobody cares'],
      ...Array.from({ length: 60 }, (_, n) => [`filler-${n}.txt`, `filler number ${n}, `.repeat(9)] as const),
    ]),
  )
})
after(() => ground.close())

test('a hunt reads only samples whose names, folders, owners and types the rules ask for', async () => {
  const { appliance, admin, folder } = ground
  // One content has two names, and gets a third while it is known.
  const path = join(folder, 'files', 'hello.txt')
  await (await appliance.intake.ingestFile(path, { filename: 'second.dat', folder: '/srv/in', userId: admin.id }))
    .processed
  await appliance.intake.idle()
  const strings = 'strings: $a = "hello" nocase $b = "nothing"'
  const cases: readonly (readonly [condition: string, found: number, candidates: number])[] = [
    ['filename == "hello.txt"', 1, 1],
    ['filename == "second.dat"', 1, 1],
    ['"second.dat" == filename and filepath == "/srv/in"', 1, 1],
    // Of one name this holds, of another that: only the engine knows that it is never both.
    ['filename == "hello.txt" and filepath == "/srv/in"', 0, 1],
    ['filename icontains "LOUD" or owner == "nobody"', 1, 1],
    ['filename matches /^(wide|other)\\./', 2, 2],
    ['not filename startswith "filler" and not extension == ".dat"', 4, 4],
    ['extension == ".dat" or not extension == ".txt"', 2, 2],
    ['filetype != "TEXT"', 1, 1],
    ['not owner and filename == "loud.txt"', 1, 1],
    ['for any n in ("loud.txt", "LOUD.TXT") : ( filename == n )', 1, 1],
    ['#a > 0 and filename endswith ".bin"', 0, 0],
  ]
  for (const [condition, found, candidates] of cases) {
    const text = `rule r { ${strings} condition: (${condition}) and (#a + #b >= 0) }`
    assert.equal((await ground.hunt(text, false)).length, found, condition)
    assert.equal((await ground.hunt(text)).length, found, condition)
    const { results } = await appliance.adHocHunts.list(admin, { offset: 0, limit: 1 })
    assert.equal(results[0]?.candidates, candidates, condition)
    const explained = await appliance.explain([{ name: 'rules', content: text }], new AbortController().signal)
    assert.equal(explained.texts[0]?.expected.samples, candidates, condition)
  }
})
