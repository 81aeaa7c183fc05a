/**
 * Constant expressions at the edges, against the engine: it folds them as floating-point numbers, and what the planner
 * computes must be what the engine does. Each text is one rule, since the engine may refuse what it cannot fold, or end
 * its process over it (a division that overflows does); so it is asked in a process of its own.
 *
 * `BACKTRAIL_SEED` repeats a run; `BACKTRAIL_LONG=1` makes it twenty times as long.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { mayMatch, planRuleset, printPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'
import { EngineWitness } from '../yara/engine.ts'
import { edgeCondition } from './edge-constants.ts'
import { exactSignature } from './exact-signature.ts'
import { chosenSeed, randomFrom } from './random.ts'

const RULES = process.env.BACKTRAIL_LONG === '1' ? 20_000 : 400
const contents = ['', 'abcd', 'xxabcd efgh', 'MZ\0\x01abcdabcd', 'abcd'.repeat(64)]

const engine = new EngineWitness()
after(() => engine.close())

const text = (condition: string) =>
  `rule t { strings: $a = "abcd" $b = "efgh" condition: (${condition}) and (#a >= 0 or #b >= 0) }`

/** Fails where the engine matches a content that the plan rules out. */
async function check(condition: string, about: string): Promise<boolean> {
  const answer = await engine.ask(text(condition), contents)
  if (!answer?.accepted) return false
  const { plan } = planRuleset(parse(text(condition)))
  contents.forEach((content, i) => {
    if (answer.matched[i] && !mayMatch(plan, exactSignature(Buffer.from(content, 'latin1'))))
      assert.fail(`${about}\n${condition}\nmatches ${JSON.stringify(content)}, and the plan is\n${printPlan(plan)}`)
  })
  return true
}

test('constants beyond what a floating-point number holds exactly are left to the engine', async () => {
  for (const condition of [
    'filesize < 0x7FFFFFFFFFFFFFFF + 1',
    'filesize == 0x20000000000001 - 0x20000000000000 + 3',
    'filesize == 4 + 0x20000000000001 - 0x20000000000001',
    '0x4000000000000000 * 2 > 0',
    'not (0x20000000000001 + 0 == 0x20000000000001)',
    'filesize > -0x7FFFFFFFFFFFFFFF - 10',
    '$a at (0x20000000000001 - 0x20000000000000)',
    'uint8(0x20000000000001 - 0x20000000000000) == 97',
    'filesize == 9 \\ 2 * 1',
    'filesize >= 1 << 63',
    'filesize != -7 \\ 2',
  ])
    assert.ok(await check(condition, 'a fixed condition'), `the engine refuses ${condition}`)
})

test('what the planner folds is what the engine folds', async (context) => {
  const seed = chosenSeed()
  const random = randomFrom(seed)
  let accepted = 0
  for (let rule = 0; rule < RULES; rule++) {
    const condition = edgeCondition(
      random,
      contents.map(({ length }) => length),
    )
    if (await check(condition, `seed ${seed}, rule ${rule}`)) accepted++
  }
  assert.ok(accepted > RULES / 4, `seed ${seed}: only ${accepted} of ${RULES} conditions were accepted`)
  context.diagnostic(`seed ${seed}: ${accepted} of ${RULES} conditions`)
})
