/**
 * Hunts with the index against hunts without it, over real files: the same (rule, sample) pairs, for all public rules
 * and for rules that are cut out of the files themselves. Through the real command line, as an operator would compare.
 *
 * `BACKTRAIL_SEED` repeats a run on the same machine; `BACKTRAIL_LONG=1` takes 25 times as many files
 * and cut rules, and all public rules in place of a part that the seed draws.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrail, folderWith } from '../cli/running.ts'
import { engineFor } from '../planner/engine.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { type CutRule, cutRule, type StringKind, stringKinds } from './cut-rules.ts'
import { binariesFolder, drawFiles, writeEncoded } from './real-files.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const LONGER = isLong ? 25 : 1
const MEGABYTES = 12 * LONGER
const RULES_OF_EACH_KIND = 4 * LONGER
/** Each file of public rules is run by one of so many runs. */
const ONE_OF = isLong ? 1 : 8

const publicRules = join(import.meta.dirname, '../../../shared/rules/reversinglabs')
const missing =
  existsSync(publicRules) || process.env.BACKTRAIL_NO_SKIPS === '1' ? false : '../shared/rules is not here'

/** Runs the program and fails unless it ends well. Gives what it printed. */
async function run(...parameters: string[]): Promise<string> {
  const { code, stdout, stderr } = await backtrail(parameters, { env: { BACKTRAIL_WORKERS: '1' }, timeoutMs: 400_000 })
  assert.equal(code, 0, `backtrail ${parameters[0]} ended with ${code}:\n${stderr.slice(-3000)}`)
  return stdout
}

function cutRules(pathsFor: (kind: StringKind) => readonly string[], random: Random): CutRule[] {
  return stringKinds.flatMap((kind) => {
    const rules: CutRule[] = []
    for (let tries = 0; rules.length < RULES_OF_EACH_KIND && tries < 20 * RULES_OF_EACH_KIND; tries++) {
      const rule = cutRule(`${kind}_${rules.length}`, kind, readFileSync(random.pick(pathsFor(kind))), random)
      if (rule !== null) rules.push(rule)
    }
    assert.equal(rules.length, RULES_OF_EACH_KIND, `there were only ${rules.length} pieces for ${kind} strings`)
    return rules
  })
}

test('hunts with the index find exactly what plain hunts find, over real files', { skip: missing }, async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const folder = folderWith(t)
  const data = join(folder, 'data')
  const paths = drawFiles(random, MEGABYTES)
  mkdirSync(join(folder, 'encoded'))
  const encoded = writeEncoded(paths, join(folder, 'encoded'), random)
  await run('ingest', ...paths, join(folder, 'encoded'), '--data', data)

  const withText: Readonly<Partial<Record<StringKind, readonly string[]>>> = {
    wide: encoded.utf16,
    base64: encoded.base64,
  }
  const cut = cutRules((kind) => withText[kind] ?? paths, random)
  for (const { text } of cut) engineFor(text)
  mkdirSync(join(folder, 'cut'))
  // One ruleset a rule, so that each is ruled out or scanned by itself.
  for (const { name, text } of cut) writeFileSync(join(folder, 'cut', `${name}.yar`), text)
  const all = globSync('**/*.yara', { cwd: publicRules }).sort()
  assert.ok(all.length >= 200, `only ${all.length} rule files found in ${publicRules}`)
  const published = all.filter((_, n) => n % ONE_OF === seed % ONE_OF).map((name) => join(publicRules, name))

  const hunt = async (...flags: string[]) => {
    const began = performance.now()
    const printed = await run('hunt', ...published, join(folder, 'cut'), '--json', ...flags, '--data', data)
    const pairs = printed
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .map(({ ruleset, rule, sha256 }) => `${ruleset} ${rule} ${sha256}`)
    return { pairs: new Set(pairs), seconds: (performance.now() - began) / 1000 }
  }
  const plain = await hunt('--no-index')
  const indexed = await hunt()

  const missed = [...plain.pairs].filter((pair) => !indexed.pairs.has(pair))
  const invented = [...indexed.pairs].filter((pair) => !plain.pairs.has(pair))
  assert.deepEqual(missed, [], `seed ${seed}: the index missed ${missed.length} of ${plain.pairs.size} matches`)
  assert.deepEqual(invented, [], `seed ${seed}: the hunt with the index found ${invented.length} more`)

  const names = new Set([...plain.pairs].map((pair) => pair.split(' ')[1]))
  const matching = cut.filter(({ name }) => names.has(name)).length
  const { samples, sampleBytes, unindexed } = JSON.parse(await run('index', 'stats', '--json', '--data', data))
  t.diagnostic(
    `${samples} samples with ${Math.round(sampleBytes / 1e6)} MB${binariesFolder() ? '' : ' (system files only)'}, ` +
      `${published.length} public rulesets and ${cut.length} cut rules, ${matching} of which match; ` +
      `${plain.pairs.size} pairs, plainly in ${plain.seconds.toFixed(1)} s, with the index in ${indexed.seconds.toFixed(1)} s`,
  )
  assert.equal(unindexed.samples, 0, 'some samples were not in the index')
  assert.ok(sampleBytes > MEGABYTES * 0.5e6, `only ${sampleBytes} bytes were drawn`)
  assert.ok(matching > cut.length * 0.8, `only ${matching} of ${cut.length} cut rules match anything`)
})
