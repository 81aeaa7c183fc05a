import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { ScanError } from '../scanning/index.ts'
import { type Installation, openInstallation, rule } from './installation.fixture.ts'

let here: Installation

beforeEach(async () => {
  here = await openInstallation()
  await here.rulesets.save(here.ada, { name: 'endless', content: rule('one') })
  await here.rulesets.save(here.ada, { name: 'good', content: rule('one') })
})
afterEach(() => here.close())

async function error(name: string): Promise<ScanError> {
  const ruleset = (await here.rulesets.liveSet()).rulesets.find((one) => one.name === name)
  return { ruleset: ruleset?.key ?? 'none', reason: 'timeout', message: 'it took more than 30 s' }
}

const journal = async (): Promise<string[]> =>
  (await here.database.selectFrom('journal').select('kind').orderBy('id').execute()).map((row) => row.kind)

test('one stop is noted and told as the reason, and the ruleset goes on running', async () => {
  const sample = await here.sample()
  const endless = await error('endless')
  await here.rulesets.reportScanErrors(sample, [endless])
  const { status, reason } = await here.rulesets.get('endless')
  assert.equal(status, 'active')
  assert.match(reason ?? '', /^Stopped on sample [0-9a-f]{40} \(timeout\): it took more than 30 s$/)
  assert.deepEqual(await journal(), ['ruleset-stopped'])
  assert.deepEqual(await here.rulesets.givenUpOn(sample), [endless.ruleset])
  assert.deepEqual(await here.rulesets.givenUpOn(await here.sample()), [])
  assert.equal((await here.rulesets.get('good')).reason, null)
})

test('a ruleset that is stopped on a third sample is suspended, in a new generation', async () => {
  const endless = await error('endless')
  const logged: number[] = []
  here.rulesets.onChange((generation) => logged.push(generation))
  const before = await here.rulesets.generation()
  const samples = [await here.sample(), await here.sample(), await here.sample()]
  for (const sample of samples) {
    // The same sample again is no further strike.
    await here.rulesets.reportScanErrors(sample, [endless])
    await here.rulesets.reportScanErrors(sample, [endless])
    if (sample !== samples[2]) assert.equal((await here.rulesets.get('endless')).status, 'active')
  }
  const { status, reason } = await here.rulesets.get('endless')
  assert.equal(status, 'error')
  assert.match(reason ?? '', /^Suspended after 3 samples\. Stopped on sample /)
  assert.deepEqual(await journal(), ['ruleset-stopped', 'ruleset-stopped', 'ruleset-suspended'])
  assert.deepEqual(
    (await here.rulesets.liveSet()).rulesets.map(({ name }) => name),
    ['good'],
  )
  assert.deepEqual(logged, [before + 1])
})

async function suspend(): Promise<void> {
  const endless = await error('endless')
  for (let n = 0; n < 3; n += 1) await here.rulesets.reportScanErrors(await here.sample(), [endless])
  assert.equal((await here.rulesets.get('endless')).status, 'error')
}

test('enabling a suspended ruleset again takes back all strikes', async () => {
  await suspend()
  assert.equal(await here.rulesets.setEnabled(here.ada, 'endless', true), 'valid')
  assert.equal((await here.rulesets.get('endless')).status, 'active')
  assert.equal((await here.rulesets.get('endless')).reason, null)
  await here.rulesets.reportScanErrors(await here.sample(), [await error('endless')])
  assert.equal((await here.rulesets.get('endless')).status, 'active', 'the count begins anew')
})

test('a new text takes back a suspension, the same text does not', async () => {
  await suspend()
  const same = await here.rulesets.save(here.ada, { name: 'endless', content: rule('one') })
  assert.equal(same.state, 'error')
  assert.equal((await here.rulesets.save(here.ada, { name: 'endless', content: rule('two') })).state, 'valid')
  assert.equal((await here.rulesets.get('endless')).status, 'active')
  assert.deepEqual(await here.database.selectFrom('strikes').selectAll().execute(), [])
})

test('troubles of an older text, of an ad-hoc hunt or on a removed sample are nobody’s strikes', async () => {
  const old = await error('endless')
  await here.rulesets.save(here.ada, { name: 'endless', content: rule('two') })
  await here.rulesets.reportScanErrors(await here.sample(), [old, { ...old, ruleset: 'h1.0' }])
  await here.rulesets.reportScanErrors(4711, [await error('endless')])
  assert.equal((await here.rulesets.get('endless')).reason, null)
  assert.deepEqual(await journal(), [])
})

test('a ruleset that the workers have set aside is suspended at the first report', async () => {
  const message = 'it was set aside after 3 samples; on the last of them, scanning the sample took longer than allowed'
  const setAside: ScanError = { ...(await error('endless')), reason: 'quarantine', message }
  const sample = await here.sample()
  // It failed on this one as well.
  await here.rulesets.reportScanErrors(sample, [await error('endless'), setAside])
  const { status, reason } = await here.rulesets.get('endless')
  assert.equal(status, 'error')
  assert.match(reason ?? '', /^Suspended\. Not run on sample [0-9a-f]{40}: it was set aside after 3 samples/)
  assert.equal(await here.rulesets.setEnabled(here.ada, 'endless', true), 'valid')
})

test('what a module does on samples is told beside them, and suspends no ruleset', async () => {
  const message = 'the engine’s module macho fails on the sample: reading it took longer than allowed'
  const module: ScanError = { ...(await error('good')), reason: 'module', message }
  const samples = [await here.sample(), await here.sample(), await here.sample(), await here.sample()]
  for (const sample of [...samples, ...samples]) await here.rulesets.reportScanErrors(sample, [module])
  assert.equal((await here.rulesets.get('good')).status, 'active')
  assert.equal((await here.rulesets.get('good')).reason, null)
  const notes = await here.database.selectFrom('samples').select('note').where('id', 'in', samples).execute()
  const sentence = `Rulesets that import the module were not run on it: ${message}.`
  assert.deepEqual(
    notes.map(({ note }) => note),
    samples.map(() => sentence),
  )
  assert.deepEqual(await journal(), Array(4).fill('module-failed'))
})
