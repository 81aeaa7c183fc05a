import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noVariables } from '../engine.ts'
import { loadEngines } from '../engines/index.ts'
import { hello, ruleset, testLimits } from '../fixtures/open-pool.ts'
import { fixedLimits } from '../limits.ts'
import { textKey } from '../ruleset-digests.ts'
import { bundlePays, bundlesOf } from './bundles.ts'
import { CompiledCache } from './compiled.ts'

const engine = loadEngines('native')

function keysOf(rulesets: Parameters<typeof bundlesOf>[0]): string[] {
  const bundles = bundlesOf(rulesets, new CompiledCache(engine, { ...fixedLimits, ...testLimits }))
  return bundles.map((bundle) => bundle.rulesets.map(({ key }) => key).join(' '))
}

const a = ruleset('a', 'rule one { strings: $ = "aaaa" condition: any of them } // the end')
const b = ruleset('b', 'import "pe"\nrule two { strings: $ = "bbbb" condition: any of them and not pe.is_pe }')
const sameName = ruleset('same', 'rule one { condition: filesize == 7 }')
const global = ruleset('global', 'global rule all { condition: filesize == 7 }')

test('rulesets with rules of one name, or with global rules, are not compiled together', () => {
  assert.deepEqual(keysOf([a, b, global, hello]), ['a b hello'])
  assert.deepEqual(keysOf([a, sameName, b]), ['a b'])
  assert.deepEqual(keysOf([a, sameName]), [])
})

test('a ruleset that cannot be read is compiled alone, and keeps no others from being together', () => {
  const cache = new CompiledCache(engine, { ...fixedLimits, ...testLimits })
  const reading = cache.reading.bind(cache)
  cache.reading = (one) => {
    if (one.key === hello.key) throw new RangeError('too deep')
    return reading(one)
  }
  assert.deepEqual(
    bundlesOf([a, hello, b], cache).map(({ rulesets }) => rulesets.map(({ key }) => key)),
    [['a', 'b']],
  )
})

test('of rulesets with the same text, the first is compiled for all', () => {
  const copies = ['a1', 'a2', 'a3'].map((key) => ({ ...a, key }))
  assert.deepEqual(keysOf([...copies, b]), ['a1 b'])
  const withStrings = { ...a, key: 'strings', firstStrings: true }
  assert.deepEqual(keysOf([a, withStrings, b]), ['a b'])
})

test('rulesets that run on different engines are not compiled together', () => {
  const cache = new CompiledCache(engine, { ...fixedLimits, ...testLimits })
  const keys = (rulesets: Parameters<typeof bundlesOf>[0]) =>
    bundlesOf(rulesets, cache).map((bundle) => bundle.rulesets.map(({ key }) => key).join(' '))
  const dex = ruleset('dex', 'import "dex" rule in_dex { condition: dex.is_dex }')
  assert.deepEqual(keys([a, dex, b]), ['a b'])
  // What its text does not show is known once it was compiled.
  const newer = ruleset('newer', 'import "pe" rule newer { condition: pe.pdb_path.len() > 0 }')
  assert.deepEqual(keys([a, newer, b]), ['a newer b'])
  assert.throws(() => cache.compile('together', [a, newer, b]))
  assert.equal(cache.compile('alone', [newer]).rules.engine, 'YARA-X 1.20.0')
  assert.deepEqual(keys([a, newer, b, dex]), ['a b', 'newer dex'])
  assert.equal(cache.compile('together', [newer, dex]).rules.engine, 'YARA-X 1.20.0')
})

test('a bundle finds what its rulesets find one by one', () => {
  const cache = new CompiledCache(engine, { ...fixedLimits, ...testLimits })
  const together = cache.compile('bundle', [a, b, hello])
  let matches = 0
  for (const text of ['aaaa', 'bbbb hello', 'nothing', 'aaaa bbbb hello']) {
    const apart = [a, b, hello].flatMap((one) =>
      cache.compile(one.key, [one]).rules.scan(Buffer.from(text), noVariables),
    )
    assert.deepEqual(together.rules.scan(Buffer.from(text), noVariables), apart)
    matches += apart.length
  }
  assert.equal(matches, 6)
})

test('a bundle is compiled when scanning one by one has cost as much, not for one small sample', () => {
  const cache = new CompiledCache(engine, { ...fixedLimits, ...testLimits })
  const many = Array.from({ length: 40 }, (_, n) =>
    ruleset(`m${n}`, `rule r${n} { strings: $ = "needle${n}" condition: any of them }`),
  )
  for (const one of many) cache.compile(textKey(one), [one])
  const [bundle] = bundlesOf(many, cache)
  assert.ok(bundle)
  assert.equal(bundlePays(bundle, many.slice(0, 1), 1e9, cache), false)
  assert.equal(bundlePays(bundle, many, 1_000, cache), false)
  let samples = 1
  while (!bundlePays(bundle, many, 5_000, cache)) samples++
  assert.ok(samples > 2 && samples < 1_000, `after ${samples} samples`)
})
