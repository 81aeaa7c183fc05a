/**
 * Real Windows, macOS and Linux programs, as `../shared/corpus/fetch-binaries` unpacks them, dropped into the browser:
 * a folder and loose files, on a slow line so that there is progress to see, matched while they arrive.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { skipWithout } from '../http/harness.ts'
import { drop, skip as skipBrowser, WebTest } from './browser.ts'

const script = fileURLToPath(new URL('../../../shared/corpus/fetch-binaries', import.meta.url))
const skip = skipBrowser || skipWithout(existsSync(script), 'the corpus scripts are not beside the project')

/** The smaller ones of the script's packages: some 20 MB. */
const packages = [
  '@msgpackr-extract/msgpackr-extract-win32-x64@3.0.4',
  '@parcel/watcher-win32-x64@2.6.0',
  '@node-rs/argon2-win32-x64-msvc@2.2.1',
  '@lmdb/lmdb-win32-x64@3.5.6',
  '@napi-rs/snappy-win32-x64-msvc@7.4.3',
  '@resvg/resvg-js-win32-x64-msvc@2.6.2',
  '7zip-bin@5.2.0',
] as const
const LOOSE = '@parcel/watcher-win32-x64@2.6.0'

const BYTES_A_SECOND = 4_000_000

const rules = `rule Windows_Node_Addon {
  strings: $register = "napi_register_module_v1"
  condition: uint16(0) == 0x5A4D and $register
}
rule Mach_O { condition: uint32(0) == 0xFEEDFACF }
`

let web: WebTest
let folder: string
before(async () => {
  if (skip) return
  folder = mkdtempSync(join(tmpdir(), 'backtrail-real-files-'))
  await fetchPackages(folder)
  web = await WebTest.start()
  await web.server.saveRuleset('programs', rules, 'ana')
})
after(async () => {
  await web?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})
afterEach(() => web?.assertNoComplaints())

test('a folder and loose files of real programs are sent with progress each, duplicates are told, and matches appear', {
  skip,
}, async () => {
  const loose = filesUnder(join(folder, folderOf(LOOSE)))
  // Dropped beside the folder that has them too: every one of them is there twice.
  const paths = [...filesUnder(folder), ...loose]
  const contents = paths.map((path) => readFileSync(path))
  const distinct = new Map(contents.map((content) => [sha256(content), content]))
  assert.ok(paths.length >= 30 && distinct.size < paths.length, `${distinct.size} contents in ${paths.length} files`)
  const expected = [...distinct].flatMap(([hash, content]) => rulesFor(content).map((rule) => `${rule} ${hash}`)).sort()
  assert.ok(expected.length >= 8, `only ${expected.length} matches to expect`)

  const page = await web.open('/samples')
  await page.getByText('There are no samples yet').waitFor()
  const matches = await page.context().newPage()
  await matches.goto(`${web.server.url}/matches?ruleset=programs`)
  await matches.getByText('No match fits').waitFor()
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: BYTES_A_SECOND,
  })
  const watch = await watchProgress(page)

  await drop(page, [folder, ...loose])
  const uploads = page.getByRole('region', { name: 'Uploads' })
  const known = paths.length - distinct.size
  await uploads
    .getByText(`${paths.length} of ${paths.length} files sent · ${known} already here`)
    .waitFor({ timeout: 90_000 })
  assert.equal(await uploads.getByRole('listitem').count(), paths.length)
  await uploads
    .getByText('done', { exact: true })
    .nth(distinct.size - 1)
    .waitFor({ timeout: 60_000 })
  assert.equal(await uploads.getByText('already here', { exact: true }).count(), known)
  const watched = await watch()
  const large = paths.filter((path) => readFileSync(path).length > 2_000_000)
  assert.ok(large.length > 0)
  for (const path of large) {
    const values = watched[`Sending ${nameBelow(path)}`] ?? []
    assert.ok(new Set(values).size >= 3, `the bar of ${path} stood at ${values.join(', ')}`)
  }

  // The page of matches was open all the while, and nobody touches it.
  await matches.getByText(`${expected.length} matches, newest first`).waitFor({ timeout: 30_000 })
  assert.equal(await matches.locator('tbody tr').count(), expected.length)
  const { json } = await web.server.get('/api/yara/v2/ruleset/matches/?name=programs')
  const stored = json.results.map(({ rule, sha256 }: { rule: string; sha256: string }) => `${rule} ${sha256}`)
  assert.deepEqual(stored.sort(), expected)
  await page.context().close()
})

/** What the rules say, told without the engine. */
function rulesFor(content: Buffer): string[] {
  const isWindows = content.subarray(0, 2).toString('latin1') === 'MZ'
  const isMachO = content.length >= 4 && content.readUInt32LE(0) === 0xfeedfacf
  return [
    ...(isWindows && content.includes('napi_register_module_v1') ? ['Windows_Node_Addon'] : []),
    ...(isMachO ? ['Mach_O'] : []),
  ]
}

/** Notes whatever each bar of the page comes to show, by its name. Gives the way to end that and have the notes. */
async function watchProgress(page: Page): Promise<() => Promise<Readonly<Record<string, readonly string[]>>>> {
  await page.evaluate(`
    window.noted = {}
    const note = () => {
      for (const bar of document.querySelectorAll('[role=progressbar]')) {
        const values = (window.noted[bar.textContent.trim()] ??= [])
        const value = bar.getAttribute('aria-valuenow')
        if (values.at(-1) !== value) values.push(value)
      }
    }
    window.noting = new MutationObserver(note)
    window.noting.observe(document.body, {
      subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuenow'],
    })`)
  return async () => {
    await page.evaluate('window.noting.disconnect()')
    return (await page.evaluate('window.noted')) as Record<string, string[]>
  }
}

/** From where the benchmarks keep them, or by the script with this part of its list. */
async function fetchPackages(into: string): Promise<void> {
  const kept = join(process.env.BACKTRAIL_BENCH_DIR ?? join(tmpdir(), 'backtrail-bench'), 'binaries')
  if (packages.every((name) => existsSync(join(kept, folderOf(name))))) {
    for (const name of packages) cpSync(join(kept, folderOf(name)), join(into, folderOf(name)), { recursive: true })
    return
  }
  const whole = readFileSync(script, 'utf8')
  for (const name of packages) assert.ok(whole.includes(` ${name}`), `${script} has no ${name}`)
  const some = mkdtempSync(join(tmpdir(), 'backtrail-fetching-'))
  try {
    const bounded = join(some, 'fetch')
    writeFileSync(bounded, whole.replace(/^packages=\([^)]*\)$/m, `packages=(${packages.join(' ')})`))
    mkdirSync(into, { recursive: true })
    await promisify(execFile)('bash', [bounded, into], { timeout: 180_000 })
  } finally {
    rmSync(some, { recursive: true, force: true })
  }
}

function folderOf(name: string): string {
  return name.replaceAll(/[/@]/g, '_')
}

/** As the browser names it: below the folder that was dropped, or alone. */
const nameBelow = (path: string) => basename(folder) + path.slice(folder.length)

function filesUnder(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')
