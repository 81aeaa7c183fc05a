/** Samples in the browser: dropped in, matched live, found, looked into, and their matches exported. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { Download } from 'playwright-core'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { accessibilityProblems, drop, skip, WebTest } from './browser.ts'

const machine = `${process.platform}-${process.arch}-gnu`
/** Real programs that are on every machine that has the tests: the engine's and the bundler's native parts. */
const programs = [`@litko/yara-x-${machine}`, `lightningcss-${machine}`].map((name) => {
  const require = createRequire(import.meta.url)
  return require.resolve(name)
})

const RULES = `rule Node_Addon : napi {
  strings:
    $register = "napi_register_module_v1"
    $unseen = "this is in none of them"
  condition:
    uint32(0) == 0x464C457F and any of them
}
rule Note { strings: $a = "a note" condition: $a }
`

let web: WebTest
let folder: string
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.saveRuleset('addons', RULES, 'ana')
  folder = mkdtempSync(join(tmpdir(), 'backtrail-dropped-'))
})
after(async () => {
  await web?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})
afterEach(() => web?.assertNoComplaints())

async function contentOf(download: Download): Promise<Buffer> {
  return readFileSync(await download.path())
}

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

test('files and folders are dropped in, sent with progress, matched live, and duplicates are told', {
  skip,
}, async () => {
  const dropped = join(folder, 'case')
  mkdirSync(join(dropped, 'inner'), { recursive: true })
  for (const program of programs) copyFileSync(program, join(dropped, `${dirname(program).split('/').at(-1)}.node`))
  writeFileSync(join(dropped, 'inner', 'note.txt'), 'a note of 1')
  writeFileSync(join(folder, 'loose.txt'), 'a note of 2')
  const page = await web.open('/samples')
  await page.getByText('There are no samples yet').waitFor()

  await drop(page, [dropped, join(folder, 'loose.txt')])
  const uploads = page.getByRole('region', { name: 'Uploads' })
  await uploads.getByText('4 of 4 files sent').waitFor()
  await uploads.getByText('done', { exact: true }).nth(3).waitFor()
  await page.getByRole('rowheader', { name: 'note.txt' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  await drop(page, [join(folder, 'loose.txt')])
  await uploads.getByText('5 of 5 files sent · 1 already here').waitFor()
  await uploads.getByRole('button', { name: 'Clear the list' }).click()
  await uploads.waitFor({ state: 'detached' })

  await page.getByRole('link', { name: 'Matches' }).click()
  await page.getByText('4 matches, newest first').waitFor()
  await page.context().close()
})

test('a sample is found by hash, part of its name and type, and the address keeps the search', { skip }, async () => {
  const page = await web.open('/samples')
  const search = page.getByRole('searchbox', { name: 'Search a hash, a part of a name, or a query' })
  const names = page.locator('tbody th')
  await search.fill('LOOSE')
  await page.getByText('1 sample shown').waitFor()
  assert.deepEqual(await names.allTextContents(), ['loose.txt'])
  assert.match(page.url(), /\?q=LOOSE$/)
  await page.reload()
  await page.getByText('1 sample shown').waitFor()
  assert.equal(await search.inputValue(), 'LOOSE')

  await search.fill(sha256('a note of 1'))
  await page.getByRole('rowheader', { name: 'note.txt' }).waitFor()
  await search.fill('nothing is called like this')
  await page.getByText('No sample fits').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: 'Clear the filters' }).click()
  await page.getByText('4 samples shown').waitFor()
  await page.getByRole('combobox', { name: 'Type' }).fill('ELF64 Little/SO')
  await page.getByText('2 samples shown').waitFor()
  await page.context().close()
})

test('a match leads to its strings in the bytes, and the place moves by list, keyboard and picture', {
  skip,
}, async () => {
  const [program = ''] = programs
  const content = readFileSync(program)
  const offset = content.indexOf('napi_register_module_v1')
  assert.ok(offset > 0)
  const page = await web.open(`/samples/${sha256(content)}?ruleset=addons&rule=Node_Addon`)
  await page.getByRole('heading', { name: 'Strings of Node_Addon' }).waitFor()
  const strings = page.getByRole('region', { name: 'Strings of the match' })
  const hex = `0x${offset.toString(16).toUpperCase()}`
  const first = strings.getByRole('button', { name: hex, exact: true })
  await first.waitFor()
  assert.equal(await strings.getByText('$unseen').count(), 0)

  const bytes = page.getByRole('region', { name: /^Bytes of the sample/ })
  await bytes.locator('mark[data-here]').first().waitFor()
  const marked = await bytes.locator('td:last-child mark[data-here]').allTextContents()
  assert.equal(marked.join(''), 'napi_register_module_v1')
  const hexCell = `document.querySelector('[aria-label^="Bytes of the sample"] td')`
  const ligatures = await page.evaluate(`getComputedStyle(${hexCell}).fontVariantLigatures`)
  assert.equal(ligatures, 'none')
  assert.match(page.url(), new RegExp(`at=${offset}$`))
  const row = bytes.getByRole('row', {
    name: new RegExp(`^${(offset - (offset % 16)).toString(16).toUpperCase().padStart(8, '0')}`),
  })
  const shown = content
    .subarray(offset - (offset % 16))
    .subarray(0, 16)
    .toString('hex')
    .toUpperCase()
    .match(/../g)
  assert.ok(((await row.textContent()) ?? '').replace(/\s/g, '').includes((shown ?? []).join('')))

  await page.getByLabel('Go to offset').fill('0x0')
  await bytes.getByRole('row', { name: /^00000000 7F 45 4C 46/ }).waitFor()
  await bytes.focus()
  await page.keyboard.press('PageDown')
  await bytes.getByRole('row', { name: /^00000400/ }).waitFor()
  const picture = page.getByRole('slider', { name: 'Place in the file' })
  await picture.focus()
  await page.keyboard.press('End')
  await page.getByText(new RegExp(`of ${content.length.toLocaleString('en-GB')}$`)).waitFor()
  assert.match((await picture.getAttribute('aria-valuetext')) ?? '', /bits a byte$/)
  await first.click()
  await bytes.locator('mark[data-here]').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.context().close()
})

test('a sample is tagged, classified and given back, and downloaded raw and packed', { skip }, async () => {
  const page = await web.open(`/samples/${sha256('a note of 2')}`)
  await page.getByRole('heading', { name: 'loose.txt' }).waitFor()
  await page.getByRole('button', { name: 'Tag' }).click()
  await page.getByRole('dialog').getByLabel('Tags').fill('eu, phishing')
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click()
  await page.getByRole('link', { name: 'phishing' }).waitFor()
  await page.getByRole('button', { name: 'Remove the tag eu' }).click()
  await page.getByRole('link', { name: 'eu', exact: true }).waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Classify' }).click()
  const dialog = page.getByRole('dialog')
  assert.deepEqual(await accessibilityProblems(page), [])
  await dialog.getByLabel('Threat name').fill('Win32.Trojan.Test')
  await dialog.getByRole('button', { name: 'Classify' }).click()
  await page.getByRole('definition').getByText('malicious').waitFor()
  await page.getByText('a user’s own').waitFor()
  await page.getByRole('button', { name: 'Classify' }).click()
  await dialog.getByLabel(/Take the own classification back/).check()
  await dialog.getByRole('button', { name: 'Classify' }).click()
  await page.getByText('a user’s own').waitFor({ state: 'detached' })

  const raw = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Raw' }).click()
  assert.equal((await contentOf(await raw)).toString(), 'a note of 2')
  const zip = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Protected zip' }).click()
  const packed = await contentOf(await zip)
  await page.getByText('The zip opens with the password infected.').waitFor()
  assert.equal(packed.subarray(0, 2).toString(), 'PK')
  assert.ok(packed.includes(sha256('a note of 2')) && !packed.includes('a note of 2'))
  await page.context().close()
})

test('matches are filtered, chosen and exported, and the files hold what was chosen', { skip }, async () => {
  const page = await web.open('/matches?ruleset=addons')
  await page.getByText('4 matches, newest first').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('searchbox', { name: 'Search rule names' }).fill('note')
  await page.getByText('2 matches shown').waitFor()
  assert.match(page.url(), /\?ruleset=addons&rule=note$/)

  await page.getByRole('button', { name: 'Export what fits' }).click()
  const all = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'CSV' }).click()
  const csv = (await contentOf(await all)).toString().trimEnd().split('\r\n')
  assert.equal(csv.length, 3)
  for (const line of csv.slice(1)) assert.match(line, /^addons,Note,false,/)

  await page.getByRole('checkbox', { name: 'Choose Note on loose.txt' }).check()
  const bar = page.getByRole('region', { name: 'What to do with the chosen rows' })
  await bar.getByText('1 match of 1 sample chosen').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await bar.getByRole('button', { name: 'Export' }).click()
  const chosen = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'List of hashes' }).click()
  assert.equal((await contentOf(await chosen)).toString(), `${sha256('a note of 2')}\n`)

  await bar.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Deleted 1 sample.').waitFor()
  await page.getByText('1 match shown').waitFor()
  assert.equal((await web.server.get(`/api/samples/${sha256('a note of 2')}/details/`)).status, 404)
  await page.context().close()
})

test('an unknown sample says so', { skip }, async () => {
  const page = await web.open(`/samples/${sha256('never seen')}`)
  await page.getByRole('alert').getByText('There is no sample with that hash.').waitFor()
  await page.context().close()
})

test('an archive that is encrypted says so, and opens with the password that is written on its page', {
  skip,
}, async () => {
  writeFileSync(join(folder, 'inside.txt'), 'a note that was locked away')
  const archive = join(folder, 'locked.zip')
  execFileSync(sevenZipBinary(), ['a', '-bso0', '-bsp0', '-psecret', archive, join(folder, 'inside.txt')])
  const hash = await web.server.upload(readFileSync(archive), 'locked.zip')
  const page = await web.open(`/samples/${hash}`)
  await page.getByText(/1 contained file is encrypted, and no known password opens it/).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByLabel('Password of the archive').fill('wrong')
  await page.getByRole('button', { name: 'Unpack' }).click()
  await page.getByText('What is still locked does not open with that password.').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByLabel('Password of the archive').fill('secret')
  await page.getByRole('button', { name: 'Unpack' }).click()
  await page.getByRole('link', { name: 'inside.txt' }).waitFor()
  await page.getByText(/no known password/).waitFor({ state: 'detached' })
  await page.context().close()
})

test('a folder of many small files is sent without the page asking for its list, or being drawn, for each', {
  skip,
}, async () => {
  const FILES = 80
  const many = join(folder, 'many')
  mkdirSync(many)
  for (let n = 0; n < FILES; n++) writeFileSync(join(many, `small-${n}.txt`), `a small file, number ${n}`)
  const page = await web.open('/samples')
  await page.getByRole('table', { name: 'Samples' }).waitFor()
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  const countOf = (path: string) => asked.filter((one) => one === path).length
  // How often the words are written anew.
  await page.evaluate(`
    window.news = 0
    new MutationObserver((records) => {
      if (records.some(({ target }) => /files sent/.test(target.textContent))) window.news++
    }).observe(document.body, { subtree: true, childList: true, characterData: true })`)
  const began = performance.now()
  await drop(page, [many])
  const uploads = page.getByRole('region', { name: 'Uploads' })
  await uploads.getByText(`${FILES} of ${FILES} files sent`).waitFor({ timeout: 60_000 })
  const seconds = (performance.now() - began) / 1_000
  const lists = countOf('/api/samples/')
  assert.ok(lists <= 2 + seconds / 2, `the list was asked for ${lists} times in ${seconds} s`)
  assert.deepEqual([countOf('/api/submit/files/'), countOf('/api/submit/file/')], [2, 0])
  const news = Number(await page.evaluate('window.news'))
  assert.ok(news <= 2 + seconds * 5, `the page was drawn ${news} times in ${seconds} s`)
  await page
    .getByRole('rowheader', { name: /^small-/ })
    .first()
    .waitFor()
  await page.context().close()
})

test('of small files that are sent together each has its own end, and goes alone where their request fails', {
  skip,
}, async () => {
  const dropped = (name: string, files: number) => {
    mkdirSync(join(folder, name))
    for (let n = 0; n < files; n++) writeFileSync(join(folder, name, `${name}-${n}.txt`), `${name}, number ${n}`)
    return join(folder, name)
  }
  const page = await web.open('/samples')
  await page.getByText('Drop files or folders anywhere').waitFor()
  const uploads = page.getByRole('region', { name: 'Uploads' })
  const requests: string[] = []
  page.on('request', (request) => requests.push(new URL(request.url()).pathname))
  // As a proxy in front of the server does whose bound on a body is small.
  await page.route('**/api/submit/files/', (route) => route.fulfill({ status: 413, body: '<html>' }))
  await drop(page, [dropped('alone', 5)])
  await uploads.getByText('5 of 5 files sent').waitFor()
  assert.equal(requests.filter((path) => path === '/api/submit/file/').length, 5)
  await page.unroute('**/api/submit/files/')

  const { used } = (await web.server.get('/api/users/ana/quota/')).json
  await web.server.post('/api/users/ana/quota/', { json: { day_samples: used.day_samples + 2 } })
  await drop(page, [dropped('quota', 4)])
  await uploads.getByText('7 of 9 files sent · 2 failed').waitFor()
  await uploads
    .getByText(/^You may send \d+ samples in a day/)
    .nth(1)
    .waitFor()
  await web.server.delete('/api/users/ana/quota/')
  for (const sent of [8, 9]) {
    await uploads
      .getByRole('button', { name: /^Try again to send quota/ })
      .first()
      .click()
    await uploads.getByText(`${sent} of 9 files sent`).waitFor()
  }
  assert.equal(await uploads.getByRole('link', { name: /^(?:alone|quota)\// }).count(), 9)
  const { json } = await web.server.get(`/api/samples/${sha256('quota, number 3')}/details/`)
  assert.equal(json.sightings[0].folder, 'quota')
  await page.context().close()
})
