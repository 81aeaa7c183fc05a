/**
 * The proof that plans miss nothing: for every rule, samples that satisfy it are built, the engine confirms them, and
 * the plan must let them through. With a signature that knows every window (see `exact-signature.ts`), so that no
 * mistake hides behind a shared bit, and with the real one.
 *
 * `BACKTRAIL_SEED` repeats a run; `BACKTRAIL_LONG=1` builds more samples for each rule, and takes all public rules in place of
 * every second file, from the first or the second on by the seed.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SignatureView, sign } from '../../src/index/index.ts'
import { mayMatch, planRuleset, printPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFor } from './engine.ts'
import { exactSignature } from './exact-signature.ts'
import { chosenSeed, randomFrom } from './random.ts'
import { satisfyingSample } from './satisfying-samples.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const ATTEMPTS = isLong ? 40 : 4

interface Tally {
  rules: number
  confirmed: number
  samples: number
}

/** Builds samples for every public rule of a text, and fails on the first one that a plan rules out. */
function prove(path: string, text: string, seed: number): Tally {
  const file = parse(text)
  const ruleset = planRuleset(file)
  const scan = engineFor(text)
  const random = randomFrom(seed)
  const tally: Tally = { rules: 0, confirmed: 0, samples: 0 }
  for (const [i, rule] of file.rules.entries()) {
    if (rule.isPrivate) continue
    tally.rules++
    let confirmed = 0
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0 && confirmed === attempt && !isLong) break
      const sample = satisfyingSample(rule, file.rules, random)
      if (sample === null || !scan(sample).has(rule.name)) continue
      confirmed++
      const exact = exactSignature(sample)
      const plan = ruleset.rules[i]?.plan
      assert.ok(plan)
      const message = `${path}: ${rule.name} matches, but its plan rules the sample out (seed ${seed}):\n${printPlan(plan)}`
      assert.ok(mayMatch(plan, exact), message)
      assert.ok(mayMatch(plan, SignatureView.of(sign(sample, exact))), message)
      assert.ok(mayMatch(ruleset.plan, exact), `${path}: the ruleset's plan rules out what ${rule.name} matches`)
    }
    if (confirmed > 0) tally.confirmed++
    tally.samples += confirmed
  }
  return tally
}

const publicRules = join(import.meta.dirname, '../../../shared/rules/reversinglabs')
const missing =
  existsSync(publicRules) || process.env.BACKTRAIL_NO_SKIPS === '1' ? false : '../shared/rules is not here'

test('no plan rules out a sample that satisfies one of the public rules', { skip: missing }, (t) => {
  const seed = chosenSeed()
  const paths = globSync('**/*.yara', { cwd: publicRules }).sort()
  assert.ok(paths.length >= 200, `only ${paths.length} rule files found in ${publicRules}`)
  const total: Tally = { rules: 0, confirmed: 0, samples: 0 }
  for (const path of isLong ? paths : paths.filter((_, n) => n % 2 === seed % 2)) {
    const { rules, confirmed, samples } = prove(path, readFileSync(join(publicRules, path), 'utf8'), seed)
    total.rules += rules
    total.confirmed += confirmed
    total.samples += samples
  }
  const share = Math.round((1000 * total.confirmed) / total.rules) / 10
  t.diagnostic(`seed ${seed}: ${total.samples} samples for ${total.confirmed} of ${total.rules} rules (${share} %)`)
  assert.ok(share >= 80, `only ${share} % of the rules got a sample`)
})

const cases = join(import.meta.dirname, '../yara/cases')

test('no plan rules out a sample that satisfies one of our own cases', (t) => {
  const seed = chosenSeed()
  const paths = globSync('*.yar', { cwd: cases }).filter((path) => !/^(error|beyond-engine|include)-/.test(path))
  assert.ok(paths.length >= 60, `only ${paths.length} cases found in ${cases}`)
  const total: Tally = { rules: 0, confirmed: 0, samples: 0 }
  for (const path of paths) {
    const { rules, confirmed, samples } = prove(path, readFileSync(join(cases, path), 'utf8'), seed)
    total.rules += rules
    total.confirmed += confirmed
    total.samples += samples
  }
  t.diagnostic(`seed ${seed}: ${total.samples} samples for ${total.confirmed} of ${total.rules} rules`)
  assert.ok(total.confirmed >= total.rules / 2, `only ${total.confirmed} of ${total.rules} rules got a sample`)
})
