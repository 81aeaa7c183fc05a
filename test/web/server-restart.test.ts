/** The server goes away in the middle of hunts, and comes back: pages lose nothing, and go on by themselves. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { folderWith } from '../cli/running.ts'
import { KillableServer, twoWorkers } from '../faults/killable-server.ts'
import { freePort } from '../free-port.ts'
import { accessibilityProblems, drop, skip, Watched, writeRules } from './browser.ts'

const SAMPLES = 42
const password = 'ana and her long password'

/** Takes about 0.1 s for ten million steps on each sample, and matches a third. Its string is too short for the index. */
const slow = (name: string, steps: number) => `rule ${name} {
  strings: $a = "##"
  condition: for all i in (0..${steps}) : ( i >= 0 ) and $a
}`
const RETRO_STEPS = 3_000_000
const TRIAL_STEPS = 7_000_000

/** What Chromium itself says about requests that do not reach the server. */
const unreached = /^console: Failed to load resource: net::ERR_/

let browser: Watched
before(async () => {
  if (!skip) browser = await Watched.start()
})
after(() => browser?.stop())

for (const [how, end] of [
  ['killed', (server: KillableServer) => server.kill()],
  ['stopped', (server: KillableServer) => server.stop()],
] as const) {
  test(`a server that is ${how} in mid-hunt is told, nothing written is lost, and the pages go on when it is back`, {
    skip,
  }, async (t) => {
    const server = new KillableServer(t, [...twoWorkers, '--port', String(await freePort())])
    await server.start()
    await prepare(server)
    const context = await browser.profile(server.url)
    const retro = await context.newPage()
    await logIn(retro, server.url)
    const bench = await context.newPage()
    const samples = await context.newPage()
    await samples.goto(`${server.url}/samples`)

    await bench.goto(`${server.url}/new-ruleset`)
    await bench.getByLabel('Name', { exact: true }).fill('tried_by_ana')
    await writeRules(bench, slow('tried', TRIAL_STEPS))
    await bench.getByText('It compiles, with 1 warning').waitFor()
    await retro.goto(`${server.url}/retro`)
    const trial = bench.getByRole('region', { name: 'Run', exact: true })
    await bench.getByRole('button', { name: 'Hunt', exact: true }).click()
    await trial.getByText(/so far/).waitFor()
    // Both must be under way when the server goes away, however fast this machine is: so the workers stand still.
    const workers = server.workers()
    for (const { pid } of workers) process.kill(pid, 'SIGSTOP')
    try {
      await retro.getByRole('button', { name: 'Start Local Retro' }).click()
      await retro.getByRole('progressbar', { name: 'Local Retro' }).waitFor()
      assert.equal(await trial.getByText(/so far/).count(), 1, 'the trial was over before the server went away')
    } finally {
      for (const { pid } of workers) process.kill(pid, 'SIGCONT')
    }
    await end(server)
    const before = await standOf(retro)
    assert.ok(before < SAMPLES, 'the hunt was over before the server went away')
    for (const page of [retro, bench, samples]) {
      // A page that asks for nothing by itself learns it from what is done on it.
      if (page === samples) await drop(page, [droppedFile(t)])
      await page.getByText(/The server has not answered since \d\d:\d\d/).waitFor()
    }
    assert.deepEqual(await accessibilityProblems(retro), [])
    await retro.getByRole('heading', { name: 'Running' }).waitFor()
    await retro.getByRole('table', { name: 'Runs of Local Retro, newest first' }).waitFor()
    assert.equal(await retro.getByRole('alert').count(), 0)

    // One writes on meanwhile; a save is refused in plain words, and the text stays.
    await writeRules(bench, slow('written_meanwhile', TRIAL_STEPS))
    await bench.getByRole('button', { name: 'Save', exact: true }).click()
    await bench.getByText('The server cannot be reached. Nothing that you entered is lost').waitFor()
    await bench.locator('.cm-line', { hasText: 'written_meanwhile' }).waitFor()
    const uploads = samples.getByRole('region', { name: 'Uploads' })
    await uploads.getByText('0 of 1 file sent').waitFor()

    await server.start()
    for (const page of [retro, bench, samples]) {
      await page.getByText(/The server has not answered/).waitFor({ state: 'detached' })
    }
    await uploads.getByText('1 of 1 file sent').waitFor()
    await uploads.getByText('done', { exact: true }).waitFor()

    await retro.getByRole('heading', { name: 'Complete' }).waitFor({ timeout: 120_000 })
    const run = retro.getByRole('region', { name: 'The latest run' })
    const found = run.locator('dl > div', { hasText: 'New matches' })
    await found.getByText(String(SAMPLES / 3), { exact: true }).waitFor()
    assert.equal((await server.retro()).processed, SAMPLES)
    // The file that was dropped meanwhile came after Local Retro had begun: it is matched live.
    assert.equal((await server.matchesOf('slow')).length, SAMPLES / 3 + 1)

    await trial.getByText(new RegExp(`^${SAMPLES / 3} matches in ${SAMPLES} samples`)).waitFor({ timeout: 120_000 })
    assert.equal(await trial.locator('tbody tr').count(), SAMPLES / 3)
    await bench.getByText('It compiles, with 1 warning').waitFor()
    await bench.getByRole('button', { name: 'Save', exact: true }).click()
    await bench.getByRole('heading', { name: 'tried_by_ana', level: 1 }).waitFor()
    const { json } = await server.call('GET', '/api/yara/ruleset/content/?name=tried_by_ana')
    assert.match(json.detail.content, /rule written_meanwhile/)
    await context.close()
    browser.assertNoComplaints(unreached)
    await server.stop()
  })
}

async function prepare(server: KillableServer): Promise<void> {
  const { status, json } = await server.call(
    'POST',
    '/api/users/',
    new URLSearchParams({ name: 'ana', password, role: 'user' }),
  )
  assert.equal(status, 201, JSON.stringify(json))
  const hashes = await Promise.all(
    Array.from({ length: SAMPLES }, (_, n) =>
      server.take(Buffer.from(`sample ${n} has ${n % 3 === 0 ? '##' : 'nothing'}`), `s${n}.txt`),
    ),
  )
  await server.untilProcessed(hashes)
  await server.demandRuleset('slow', slow('slow', RETRO_STEPS))
}

async function logIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/log-in`)
  await page.getByLabel('User').fill('ana')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
}

/** How many samples the bar of Local Retro counts. */
async function standOf(page: Page): Promise<number> {
  const value = await page.getByRole('progressbar', { name: 'Local Retro' }).getAttribute('aria-valuenow')
  return Number(value ?? 0)
}

function droppedFile(t: Parameters<typeof folderWith>[0]): string {
  const path = join(folderWith(t), 'dropped.txt')
  writeFileSync(path, 'dropped while the server was away ##')
  return path
}
