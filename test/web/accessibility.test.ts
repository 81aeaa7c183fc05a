import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, ofColours, skip, WebTest, writeRules } from './browser.ts'

let web: WebTest
let hunt = 0
let sample = ''
before(async () => {
  if (skip) return
  web = await WebTest.start()
  const { server } = web
  sample = await server.upload('some text with a needle in here', 'hay.txt')
  await server.saveRuleset('some_rules', 'rule a { strings: $a = "needle in" condition: $a }', 'ana')
  await server.saveRuleset(
    'some_rules',
    'rule a { strings: $a = "needle in" $b = { 00 ?? ?? } condition: $a or $b }',
    'ana',
  )
  for (let i = 0; i < 2; i++) {
    await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
    await server.appliance.localRetro.idle()
  }
  const rules = [{ name: 'rules', content: 'rule a { strings: $a = "needle" condition: $a }' }]
  const { json } = await server.post('/api/hunts/', { json: { rules } })
  hunt = json.id
  await server.appliance.adHocHunts.settled(hunt)
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

/** How wide each paragraph's text is drawn, in pixels. */
const lineWidths = `[...document.querySelectorAll('main p')].filter((each) => each.checkVisibility()).map((each) => {
  const range = document.createRange()
  range.selectNodeContents(each)
  return Math.round(range.getBoundingClientRect().width)
})`

/** What makes the page wider than the window; and the main action of its head that cannot be reached. */
const beyondTheEdge = `(() => {
  const { scrollWidth, clientWidth } = document.scrollingElement
  const name = (each) => each.tagName + '.' + each.className + ' to ' + Math.round(each.getBoundingClientRect().right)
  const wide = scrollWidth > clientWidth
    ? [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > clientWidth + 0.5)
    : []
  const actions = [...document.querySelectorAll('main header a, main header button')].filter((each) => {
    const { left, right, width, height } = each.getBoundingClientRect()
    return each.checkVisibility() && (left < 0 || right > clientWidth || width === 0 || height === 0)
  })
  return [...new Set([...wide, ...actions].map(name))].slice(0, 8)
})()`

/** Every page, with something that is there when it is complete. */
const pages = (): readonly (readonly [address: string, sign: string])[] => [
  ['/', 'Latest matches'],
  ['/samples', 'hay.txt'],
  [`/samples/${sample}`, 'Names and sightings'],
  ['/matches', 'that is all'],
  ['/device?code=BBBB-BBBB', 'As the terminal shows it'],
  ['/administration', 'Tokens'],
  ['/administration?part=health', 'scans and indexes'],
  ['/rulesets', 'some_rules'],
  ['/rulesets?search=nothing_like_it', 'No ruleset fits'],
  ['/rulesets/some_rules', 'of the corpus'],
  ['/rulesets/some_rules?tab=revisions', 'What changed from revision 1 to 2'],
  ['/rulesets/unknown_one', 'There is no ruleset unknown_one'],
  ['/workbench', 'selected,'],
  ['/rule-sources', 'No sources yet'],
  ['/notifications', 'No channels yet'],
  ['/rule-sources/4711', 'There is no such rule source'],
  ['/retro', 'How long the runs took'],
  ['/hunts?of=all', 'completed'],
  [`/hunts/${hunt}`, 'hay.txt'],
  ['/hunts/4711', 'There is no such hunt'],
  ['/hunts/no/such/page', 'There is no page at this address'],
]

/** Two frames: what a change of the window made React draw anew is there. */
const drawn = 'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))'

/** Colours that change by and by have changed. */
const settled = 'Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))'

test('every page passes axe-core in light and dark colours, and fits from 390 to 2,560 pixels without scrolling sideways', {
  skip,
}, async () => {
  const page = await web.open('/rulesets', { reducedMotion: 'reduce' })
  let sentences = 0
  for (const [address, sign] of pages()) {
    await page.goto(web.server.url + address)
    await page.getByText(sign).first().waitFor()
    assert.deepEqual(await accessibilityProblems(page), [], `${address} in light`)
    // As for somebody whose evening begins, once all has its other colour.
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.evaluate(drawn)
    await page.evaluate(settled)
    assert.deepEqual(await accessibilityProblems(page, ofColours), [], `${address} in dark`)
    // Sentences stay short enough to read.
    for (const width of [390, 1_024, 1_440, 2_560]) {
      await page.setViewportSize({ width, height: 844 })
      await page.evaluate(drawn)
      assert.deepEqual(await page.evaluate(beyondTheEdge), [], `${address} at ${width} pixels`)
      const widths = (await page.evaluate(lineWidths)) as number[]
      sentences += widths.length
      for (const line of widths) assert.ok(line <= 880, `a line of ${line} pixels on ${address} at ${width} pixels`)
    }
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1_440, height: 900 })
  }
  assert.ok(sentences > 0, 'no sentence was measured')
  await page.context().close()
})

test('the log-in page, an error in the editor, a trial and a dialog pass axe-core too', { skip }, async () => {
  const guest = await web.open('/log-in', { as: null })
  await guest.getByRole('button', { name: 'Log in' }).waitFor()
  assert.deepEqual(await accessibilityProblems(guest), [])
  await guest.context().close()

  const page = await web.open('/rulesets/some_rules')
  await writeRules(page, 'rule a { condition: nothing_known }')
  await page.locator('.cm-lintRange-error').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [], 'an error')
  await writeRules(page, 'rule a { strings: $a = "needle" condition: $a }')
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  await page.getByText(/^1 match in 1 sample/).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [], 'a run')
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Delete …' }).click()
  await page.getByRole('dialog', { name: 'Delete some_rules?' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [], 'a dialog')
  await page.context().close()
})
