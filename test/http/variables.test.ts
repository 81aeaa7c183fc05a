/** What rules are told about a sample besides its bytes, and under which of its names it matches. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { until } from '../until.ts'
import { type Json, sha1, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const rule = (condition: string) => `rule r { condition: ${condition} }`

async function upload(content: string | Buffer, fields: Readonly<Record<string, string>>): Promise<string> {
  const multipart = new FormData()
  for (const [name, value] of Object.entries(fields)) multipart.append(name, value)
  multipart.append('file', new Blob([content as string]), 'part-name')
  const { status, text } = await server.post('/api/submit/file/', { multipart })
  assert.equal(status, 201, text)
  await server.appliance.intake.idle()
  return sha1(content)
}

async function liveMatches(ruleset: string): Promise<Json[]> {
  const { status, json } = await server.get(`/api/yara/v2/ruleset/matches/?name=${ruleset}`)
  assert.equal(status, 200)
  return json.results
}

async function hunted(condition: string): Promise<Json[]> {
  const made = await server.post('/api/hunts/', { json: { rules: [{ name: 'h', content: rule(condition) }] } })
  assert.ok(made.status < 300, made.text)
  await until(async () => {
    const { json } = await server.get(`/api/hunts/${made.json.id}/`)
    assert.ok(['queued', 'starting', 'running', 'completed'].includes(json.state), json.state)
    return json.state === 'completed'
  }, 'the hunt has ended')
  return (await server.get(`/api/hunts/${made.json.id}/results/`)).json.results
}

/** Contents, how they come, and conditions that hold for each. */
const gif = 'GIF89a and more'
const sent: readonly {
  readonly content: string | Buffer
  readonly fields: Readonly<Record<string, string>>
  readonly holds: readonly string[]
}[] = [
  {
    content: '\xff\xd8\xff\xe0 JFIF',
    fields: { filename: 'Avatar.JPG' },
    holds: ['extension == ".jpg"', 'filename == "Avatar.JPG"', 'filename matches /^avatar/i and filepath == ""'],
  },
  { content: gif, fields: { filename: 'a.gif' }, holds: ['filetype == "GIF"', 'filetype iequals "gif"'] },
  { content: '%PDF-1.7 text', fields: { filename: 'b' }, holds: ['filetype == "PDF" and extension == ""'] },
  { content: '{\\rtf1 text}', fields: { filename: '7' }, holds: ['filetype == "RTF" and filename == "7"'] },
  {
    content: 'lay in a folder',
    fields: { filename: 'c.7', folder: '/srv/share/Temp/', owner: '1000' },
    holds: ['filepath == "/srv/share/Temp" and filename == "c.7" and extension == ".7"', 'owner == "1000"'],
  },
  {
    content: 'lay in a folder of Windows',
    fields: { filename: 'C:\\Users\\eve\\x.exe' },
    holds: ['filepath == "C:\\\\Users\\\\eve" and filename == "x.exe"', 'filepath contains "\\\\eve"'],
  },
  {
    content: storedZip([{ name: Buffer.from('docs/deep/inner.vbs'), bytes: Buffer.from('the member') }]),
    fields: { filename: 'mail.zip' },
    holds: ['filetype == "ZIP" and filepath == ""', 'filepath == "docs/deep" and extension == ".vbs"'],
  },
]

test('rules see the name, folder, extension, type and owner of a sample, live and in hunts', async () => {
  const conditions = sent.flatMap(({ holds }) => holds)
  for (const [n, condition] of conditions.entries()) await server.saveRuleset(`holds_${n}`, rule(condition))
  for (const { content, fields } of sent) {
    await upload(typeof content === 'string' ? Buffer.from(content, 'latin1') : content, fields)
  }
  for (const [n, condition] of conditions.entries()) {
    const live = await liveMatches(`holds_${n}`)
    assert.equal(live.length, 1, `live: ${condition}`)
    const found = await hunted(condition)
    assert.deepEqual(
      found.map((hit) => hit.sha1),
      live.map((match) => match.sha1),
      `by hunt: ${condition}`,
    )
  }
})

/** Conditions that never (or always) hold, and what the warning says to write. */
const hopeless: readonly (readonly [condition: string, advice: RegExp])[] = [
  ['extension == "jpg"', /begins with a dot: write "\.jpg"/],
  ['"jpg" == extension', /write "\.jpg"/],
  ['extension iequals "EXE"', /write "\.exe"/],
  ['extension == ".EXE"', /lower case: write "\.exe"/],
  ['extension != "exe"', /always holds.*"\.exe"/],
  ['extension startswith "do"', /begins with a dot/],
  ['extension == ".tar.gz"', /one dot.*"\.gz"/],
  ['filetype == "foo"', /no such type/],
  ['filetype == "exe"', /write "EXE"/],
  ['filetype == "PE/Exe"', /write "EXE"/],
  ['filetype contains "PE32"', /write "EXE"/],
  ['filetype == "jpg"', /write "JPEG"/],
  ['filename == "a/b.exe"', /folders are in `filepath`/],
  ['filename contains "\\\\Temp\\\\"', /folders are in `filepath`/],
  ['filepath endswith "/tmp/"', /write "\/tmp"/],
  ['filepath iendswith "\\\\Temp\\\\"', /write "\\\\Temp"/],
]
const possible = [
  'extension == ".jpg"',
  'extension endswith "jpg"',
  'extension iequals ".JPG"',
  'extension == ""',
  'filetype == "EXE"',
  'filetype icontains "zip"',
  'filetype matches /exe/i',
  'filepath contains "/Temp/"',
  'for any extension in (1..2) : ( extension == 1 )',
]

test('a comparison that never holds is a warning with its place, when rules are saved, hunted with and explained', async () => {
  for (const [n, [condition, advice]] of hopeless.entries()) {
    const content = `rule a { condition: true }\nrule b { condition: filesize > 0 and\n  ${condition} }`
    const saved = await server.post('/api/yara/ruleset/', { form: { name: `hopeless_${n}`, content } })
    assert.equal(saved.status, 200, saved.text)
    const warnings = saved.json.detail.diagnostics.filter(({ code }: Json) => code === 'never-holds')
    assert.equal(warnings.length, 1, condition)
    assert.deepEqual([warnings[0].severity, warnings[0].line, warnings[0].column], ['warning', 3, 3], condition)
    assert.match(warnings[0].message, advice)
    if (n > 0) continue
    const made = await server.post('/api/hunts/', { json: { rules: [{ name: 'h', content }] } })
    assert.match(made.json.warnings.map(({ message }: Json) => message).join(), advice)
    const explained = await server.post('/api/hunts/explain/', { json: { rules: [{ name: 'h', content }] } })
    assert.match(explained.json.texts[0].warnings.map(({ message }: Json) => message).join(), advice)
  }
  for (const condition of possible) {
    const saved = await server.post('/api/yara/ruleset/', { form: { name: 'possible', content: rule(condition) } })
    assert.equal(saved.status, 200, saved.text)
    assert.deepEqual(
      saved.json.detail.diagnostics.filter(({ code }: Json) => code === 'never-holds'),
      [],
      condition,
    )
  }
})

test('a text that imports cuckoo is told that there are no reports here', async () => {
  const content = 'import "cuckoo"\nrule c { condition: cuckoo.network.http_request(/evil/) }'
  const saved = await server.post('/api/yara/ruleset/', { form: { name: 'cuckoo', content } })
  assert.equal(saved.status, 200, saved.text)
  const [warning] = saved.json.detail.diagnostics.filter(({ code }: Json) => code === 'no-reports')
  assert.deepEqual([warning?.line, warning?.column], [1, 1])
  assert.match(warning.message, /strings of the file/)
})

test('a known content is matched under each new name, and rows show the name that matched', async () => {
  const content = 'known under several names'
  await server.saveRuleset('by_name', rule('filename == "invoice.exe"'))
  await server.saveRuleset('by_folder', rule('filepath == "/late/folder"'))
  await server.saveRuleset('by_content', 'rule r { strings: $a = "known under several names" condition: $a }')
  await upload(content, { filename: 'harmless.txt' })
  assert.equal((await liveMatches('by_name')).length, 0)
  await upload(content, { filename: 'invoice.exe' })
  assert.deepEqual(
    (await liveMatches('by_name')).map(({ sha1: digest, filename }: Json) => [digest, filename]),
    [[sha1(content), 'invoice.exe']],
  )
  await upload(content, { filename: 'newest.bin' })
  await upload(content, { filename: 'newest.bin', folder: '/late/folder' })
  assert.equal((await liveMatches('by_folder')).length, 1)
  assert.equal((await liveMatches('by_name'))[0].filename, 'invoice.exe')
  assert.equal((await liveMatches('by_content'))[0].filename, 'newest.bin')
  // An archive's name for it counts as well.
  await server.saveRuleset('by_member', rule('filename == "packed.scr" and filepath == "in"'))
  await upload(storedZip([{ name: Buffer.from('in/packed.scr'), bytes: Buffer.from(content) }]), { filename: 'p.zip' })
  assert.equal((await liveMatches('by_member')).length, 1)

  const found = await hunted('filename == "invoice.exe" or filename == "harmless.txt"')
  assert.deepEqual(
    found.map(({ sha1: digest }) => digest),
    [sha1(content)],
  )
  assert.match(found[0].filename, /^(invoice\.exe|harmless\.txt)$/)
  const strings = await server.get(`/api/samples/${sha1(content)}/strings/?ruleset=by_name`)
  assert.deepEqual(
    strings.json.rules.map(({ rule }: Json) => rule),
    ['r'],
  )
})

test('Local Retro finds a sample under a name that it had before the newest', async () => {
  const content = 'hunted by an older name'
  await upload(content, { filename: 'older-name.exe' })
  await upload(content, { filename: 'newer-name.exe' })
  await server.saveRuleset('retro_by_name', rule('filename == "older-name.exe"'))
  assert.equal((await liveMatches('retro_by_name')).length, 0)
  const started = await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  assert.ok(started.status < 300, started.text)
  await until(async () => (await liveMatches('retro_by_name')).length > 0, 'Local Retro has found it')
  assert.equal((await liveMatches('retro_by_name'))[0].filename, 'older-name.exe')
})
