/** Every engine that is bundled gives the right answer to each case, or does not run rules of that kind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledRules, Engine } from '../../src/scanning/engine.ts'
import { noVariables } from '../../src/scanning/engine.ts'
import { bundledEngines, loadEngines } from '../../src/scanning/engines/index.ts'
import { asksForLengthsOfAlternatives, hasTellingRepetitions } from '../../src/scanning/engines/known-defects.ts'
import { type Case, cases } from './oracle.ts'

/** In words; empty where every answer is right. */
function wrongAnswers({ rules, samples }: Case, compiled: CompiledRules): string[] {
  return samples.flatMap(({ bytes, holds }) => {
    const content = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)
    const found = compiled.scan(content, noVariables).map(({ rule }) => rule)
    return found.join(' ') === holds
      ? []
      : [`${rules} on ${JSON.stringify(bytes)}: "${found.join(' ')}", not "${holds}"`]
  })
}

/** The engines are known by their names; a set of them keeps each from what it answers wrongly. */
function isKeptFrom(engine: Engine, { rules }: Case): boolean {
  return engine.name === 'YARA-X 1.7.1' ? asksForLengthsOfAlternatives(rules) : hasTellingRepetitions(rules)
}

/** What the one engine of machines without a native one answers wrongly. */
const wrongWithoutNative = ['a loose regexp', 'the length of repeated letters', 'words that may end']

function compiled(engine: Pick<Engine, 'compile'>, { rules }: Case): CompiledRules | null {
  try {
    return engine.compile(rules)
  } catch {
    return null
  }
}

test('there are the engines that this project bundles', () => {
  assert.deepEqual(
    bundledEngines().map(({ name }) => name),
    ['YARA-X 1.7.1', 'YARA-X 1.20.0', 'YARA-X 1.20.0 (WebAssembly)'],
  )
})

for (const engine of bundledEngines()) {
  test(`${engine.name} answers every case that it runs rightly, and runs nearly all`, () => {
    const refused: string[] = []
    const wrong: string[] = []
    for (const one of cases) {
      const rules = isKeptFrom(engine, one) ? null : compiled(engine, one)
      if (rules === null) refused.push(one.kind)
      else wrong.push(...wrongAnswers(one, rules))
    }
    assert.deepEqual(wrong, [])
    const kinds = [...new Set(refused)]
    assert.ok(refused.length < 10, `${engine.name} refuses ${refused.length} cases: ${kinds.join(', ')}`)
  })
}

for (const choice of ['native', 'wasm'] as const) {
  test(`with --engine ${choice}, every case is run and answered rightly`, () => {
    const engines = loadEngines(choice)
    const wrong: string[] = []
    for (const one of cases) {
      if (choice === 'wasm' && wrongWithoutNative.includes(one.kind)) continue
      const rules = compiled(engines, one)
      if (rules === null) wrong.push(`${one.kind}: ${one.rules} is refused: ${engines.diagnose(one.rules)[0]?.message}`)
      else wrong.push(...wrongAnswers(one, rules))
    }
    assert.deepEqual(wrong, [])
  })
}
