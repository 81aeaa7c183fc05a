import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Call, type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start({ uploadLimit: 5 * 1024 * 1024 })
})
after(() => server.stop())

function formOf(fields: readonly (readonly [string, string | Blob, string?])[]): FormData {
  const form = new FormData()
  for (const [name, value, filename] of fields) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, filename)
  }
  return form
}

test('an upload is answered with 201 as soon as it is safe, at either address', async () => {
  for (const path of ['/api/submit/file/', '/api/uploads/']) {
    const content = `sent to ${path}`
    const { status, json } = await server.post(path, {
      as: 'ana',
      multipart: formOf([
        ['analysis', 'cloud'],
        ['file', new Blob([content]), 'первый файл.txt'],
      ]),
    })
    assert.equal(status, 201)
    assert.deepEqual([json.code, json.message], [201, 'Done.'])
    const { detail } = json
    assert.deepEqual([detail.sha1, detail.sha256, detail.filename], [sha1(content), sha256(content), 'первый файл.txt'])
    assert.equal(detail.href, `/?q=${sha1(content)}`)
    assert.match(detail.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.equal(detail.user, (await server.appliance.accounts.users.find('ana')).id)
  }
})

test('fields count whether they stand before or behind the file', async () => {
  const file = ['file', new Blob(['fields around a file']), 'part-name.bin'] as const
  const fields = [
    ['filename', 'told.bin'],
    ['tags', 'one, two,,two'],
    ['comment', 'from a test'],
  ] as const
  for (const parts of [
    [...fields, file],
    [file, ...fields],
  ]) {
    const { json } = await server.post('/api/submit/file/', { multipart: formOf(parts) })
    assert.equal(json.detail.filename, 'told.bin')
    await server.appliance.intake.idle()
    assert.deepEqual((await server.get(`/api/tag/${json.detail.sha1}/`)).json, ['one', 'two'])
    const { sightings } = await server.appliance.samples.details(json.detail.sha1)
    assert.deepEqual([sightings[0]?.name, sightings[0]?.comment], ['told.bin', 'from a test'])
    await server.delete(`/api/samples/${json.detail.sha1}/`)
  }
})

test('the same content twice is one sample', async () => {
  const first = await server.post('/api/submit/file/', { multipart: formOf([['file', new Blob(['twice']), 'a']]) })
  const second = await server.post('/api/submit/file/', { multipart: formOf([['file', new Blob(['twice']), 'b']]) })
  assert.equal(first.json.detail.id, second.json.detail.id)
})

test('forms without a file, with two, and other bodies are refused and leave nothing behind', async () => {
  const before = (await server.appliance.samples.totals()).samples
  const cases: readonly [Json, number][] = [
    [{ multipart: formOf([['filename', 'x']]) }, 400],
    [{ multipart: formOf([['other', new Blob(['x']), 'x']]) }, 400],
    [
      {
        multipart: formOf([
          ['file', new Blob(['left']), 'l'],
          ['file', new Blob(['right']), 'r'],
        ]),
      },
      400,
    ],
    [{ form: { file: 'x' } }, 415],
    [{ json: { file: 'x' } }, 415],
    [{}, 415],
    [
      {
        headers: { 'content-type': 'multipart/form-data; boundary=X' },
        body: '--X\r\nContent-Disposition: form-data; name="file"; filename="cut"\r\n\r\nthe rest is mis',
      },
      400,
    ],
  ]
  for (const [call, status] of cases) {
    const answer = await server.post('/api/submit/file/', call)
    assert.equal(answer.status, status, answer.text)
    assert.ok(answer.json.message)
  }
  assert.equal((await server.appliance.samples.totals()).samples, before)
})

test('a file of exactly the limit is taken, one byte more is answered with 413', async () => {
  const limit = 5 * 1024 * 1024
  assert.ok(await server.upload(Buffer.alloc(limit, 'l'), 'limit.bin'))
  const { status, json } = await server.post('/api/submit/file/', {
    multipart: formOf([['file', new Blob([Buffer.alloc(limit + 1, 'l')]), 'over.bin']]),
  })
  assert.equal(status, 413)
  assert.ok(json.message)
  const announced = await server.post('/api/submit/file/', {
    multipart: formOf([['file', new Blob([Buffer.alloc(3 * limit, 'l')]), 'far-over.bin']]),
  })
  assert.equal(announced.status, 413)
})

test('many small files are sent in one request, and each is answered by itself, in order, under its name', async () => {
  await server.saveRuleset('together', 'rule together { strings: $a = "sent together" condition: $a }', 'ana')
  const names = ['case/one.txt', 'case/inner/two.txt', 'again.txt', 'empty.txt', '']
  const contents = ['sent together 1', 'sent together 2', 'sent together 1', '', 'sent together 5']
  // Enough that one sync of all of them is worth it.
  for (let n = 0; n < 60; n++) {
    names.push(`n-${n}.txt`)
    contents.push(`sent together, number ${n}`)
  }
  const multipart = formOf([
    ['comment', 'a field that is not asked for'],
    ...names.map((name, n) => ['file', new Blob([contents[n] ?? '']), name] as const),
  ])
  const { status, json, text } = await server.post('/api/submit/files/', { as: 'ana', multipart })
  assert.equal(status, 200, text)
  assert.deepEqual(
    json.results.map(({ filename, stored, refused }: Json) => [filename, stored.sha256, stored.sha1, refused]),
    names.map((name, n) => [name, sha256(contents[n] ?? ''), sha1(contents[n] ?? ''), null]),
  )
  const known = json.results.map(({ stored }: Json) => stored.known)
  assert.deepEqual(known.slice(0, 3), [false, false, true])
  assert.equal(json.results[0].stored.id, json.results[2].stored.id)
  await server.appliance.intake.idle()
  const { sightings, sample } = await server.appliance.samples.details(sha1('sent together 2'))
  assert.deepEqual([sightings[0]?.name, sightings[0]?.folder], ['two.txt', 'case/inner'])
  assert.deepEqual([sample.state, sightings[0]?.user], ['processed', 'ana'])
  const { json: matches } = await server.get('/api/matches/?ruleset=together&limit=100')
  assert.equal(matches.results.length, 63)
  const download = await server.get(`/api/samples/${sha1('sent together, number 59')}/download/`)
  assert.equal(download.text, 'sent together, number 59')
})

test('a form of many files that is cut off, too large, of too many files or of none leaves nothing behind', async () => {
  const { samples } = await server.appliance.samples.totals()
  const many = (count: number, content: (n: number) => string | Buffer) =>
    formOf(Array.from({ length: count }, (_, n) => ['file', new Blob([content(n) as string]), `${n}`] as const))
  const cut = '--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
  const cases: readonly [Call, number, string][] = [
    [{ multipart: many(101, (n) => `one of too many ${n}`) }, 413, 'request.too-large'],
    [{ multipart: many(3, (n) => Buffer.alloc(1_500_000, `too large ${n}`)) }, 413, 'request.too-large'],
    [{ multipart: formOf([['filename', 'x']]) }, 400, 'upload.no-file'],
    [{ json: { file: 'x' } }, 415, 'request.media-type'],
    [
      {
        headers: { 'content-type': 'multipart/form-data; boundary=X' },
        body: `${cut}this one is whole\r\n${cut}and this one is n`,
      },
      400,
      'request.malformed',
    ],
  ]
  for (const [call, status, error] of cases) {
    const answer = await server.post('/api/submit/files/', call)
    assert.deepEqual([answer.status, answer.json.error], [status, error], answer.text)
  }
  assert.equal((await server.appliance.samples.totals()).samples, samples)
})

test('status tells processed and unknown hashes of every kind, and can be asked for one of the two', async () => {
  const content = 'status is asked for'
  const hash = await server.upload(content, 's.txt')
  const unknown = '0'.repeat(40)
  const asked = await server.post('/api/samples/status/', { form: { hash_values: [hash.toUpperCase(), unknown] } })
  assert.equal(asked.json.hash_type, 'sha1')
  assert.deepEqual(
    asked.json.results.map((each: Json) => each.status),
    ['processed', 'not_found'],
  )
  const only = await server.post('/api/samples/status/?status=processed', { json: { hash_values: [hash, unknown] } })
  assert.equal(only.json.results.length, 1)
  const { sample } = await server.appliance.samples.details(hash)
  for (const other of [sample.md5, sample.sha256, sample.sha512]) {
    const { json } = await server.post('/api/samples/status/', { json: { hash_values: [other] } })
    assert.equal(json.results[0].status, 'processed')
  }
  // The vendor's SDK tests its connection so.
  const probe = await server.post('/api/samples/status/?status=processed', { form: { hash_values: unknown } })
  assert.deepEqual([probe.status, probe.json.results], [200, []])
  for (const bad of [['x'], [hash, sample.md5], []]) {
    assert.equal((await server.post('/api/samples/status/', { json: { hash_values: bad } })).status, 400)
  }
  assert.equal(
    (await server.post('/api/samples/status/?status=unknown', { json: { hash_values: [hash] } })).status,
    400,
  )
})

test('the list gives the fields asked for, leaves unknown fields and samples out, and tells times and type', async () => {
  const hash = await server.upload('<html><body>listed</body></html>', 'page.html')
  const call = {
    form: {
      hash_values: [hash, '0'.repeat(40)],
      fields: ['sha256', 'classification', 'no_such_field'],
      skip_reanalysis: 'true',
    },
  }
  const { json } = await server.post('/api/samples/v2/list/', call)
  assert.deepEqual([json.count, json.next, json.previous], [1, null, null])
  assert.deepEqual(json.results[0], { sha256: sha256('<html><body>listed</body></html>'), classification: 'unknown' })
  const [all] = (await server.post('/api/samples/v2/list/', { json: { hash_values: [hash] } })).json.results
  assert.match(all.local_first_seen, /Z$/)
  assert.match(all.local_last_seen, /Z$/)
  assert.equal(all.file_size, 32)
  assert.ok('classification_result' in all && 'riskscore' in all)
})

test('downloads are octets under a safe name that nothing shows inline, or a zip with the usual password', async () => {
  const content = Buffer.from('<script>alert("inline")</script>')
  const hash = await server.upload(content, '"><script>\r\nX: y.html')
  const plain = await server.get(`/api/samples/${hash}/download/`)
  assert.deepEqual(plain.bytes, content)
  assert.equal(plain.headers['content-type'], 'application/octet-stream')
  assert.equal(plain.headers['content-disposition'], `attachment; filename="${sha256(content)}"`)
  assert.equal(plain.headers['x-content-type-options'], 'nosniff')
  assert.match(String(plain.headers['content-security-policy']), /sandbox/)
  for (const path of [`/api/samples/${hash}/download/zip/`, `/api/samples/${hash}/download/?password_protected=True`]) {
    const zip = await server.get(path)
    assert.equal(zip.status, 200)
    assert.equal(zip.headers['content-disposition'], `attachment; filename="${sha256(content)}.zip"`)
    assert.ok(!zip.bytes.includes('alert'))
    assert.deepEqual(unzip(zip.bytes, 'infected'), content)
    assert.equal(unzip(zip.bytes, 'wrong'), null)
  }
  for (const suffix of ['download/', 'download/zip/']) {
    assert.equal((await server.get(`/api/samples/${'0'.repeat(64)}/${suffix}`)).status, 404)
    assert.equal((await server.get(`/api/samples/nonsense/${suffix}`)).status, 400)
  }
})

test('members of an archive are listed in pages whose next address begins with the page, as the vendor’s SDK reads it', async () => {
  const members = { 'docs/a.txt': 'member a', 'docs/b.txt': 'member b', 'c.txt': 'member c' }
  const archive = storedZip(
    Object.entries(members).map(([name, text]) => ({ name: Buffer.from(name), bytes: Buffer.from(text) })),
  )
  const hash = await server.upload(archive, 'three.zip')
  const path = `/api/samples/v2/${hash}/extracted-files/`
  const whole = (await server.get(path)).json
  assert.equal(whole.count, 3)
  assert.deepEqual(whole.results.map((each: Json) => each.path).sort(), ['c.txt', 'docs/a.txt', 'docs/b.txt'])
  const a = whole.results.find((each: Json) => each.path === 'docs/a.txt')
  assert.deepEqual([a.filename, a.sample.sha1, a.container_sha1], ['a.txt', sha1('member a'), hash])
  const first = (await server.get(`${path}?page_size=2`)).json
  assert.equal(first.results.length, 2)
  assert.match(first.next, /\?page=2&page_size=2$/)
  assert.equal((await server.get(`${path}?page=2&page_size=2`)).json.results.length, 1)
  for (const list of [path, '/api/hunts/']) {
    const beyond = await server.get(`${list}?page=9&page_size=10`)
    assert.deepEqual([beyond.status, beyond.json.error], [400, 'page.beyond-end'], list)
  }
  assert.equal((await server.get(`/api/samples/v2/${'0'.repeat(40)}/extracted-files/`)).status, 404)
  const [listed] = (await server.post('/api/samples/v2/list/', { json: { hash_values: [hash] } })).json.results
  assert.equal(listed.extracted_file_count, 3)
})

test('a user’s own classification has the vendor’s defaults and ranges, and can be taken back', async () => {
  const hash = await server.upload('to be judged', 'j.txt')
  const path = `/api/samples/${hash}/setclassification/local/`
  const judge = async (form: Record<string, string>) => server.post(path, { as: 'ana', form })
  const classified = async () => {
    const { json } = await server.get(`/api/samples/v3/${hash}/classification/`)
    return [json.classification, json.riskscore, json.classification_result]
  }
  assert.deepEqual(await classified(), ['unknown', null, null])
  await judge({ classification: 'malicious' })
  assert.deepEqual(await classified(), ['malicious', 10, 'Win32.Malware.Generic'])
  await judge({
    classification: 'suspicious',
    threat_platform: 'Linux',
    threat_type: 'Trojan',
    threat_name: 'Mirai',
    risk_score: '7',
  })
  assert.deepEqual(await classified(), ['suspicious', 7, 'Linux.Trojan.Mirai'])
  await judge({ classification: 'goodware' })
  assert.deepEqual(await classified(), ['goodware', 0, null])
  for (const form of [
    { classification: 'goodware', risk_score: '6' },
    { classification: 'malicious', risk_score: '5' },
    { classification: 'malicious', risk_score: '11' },
    { classification: 'evil' },
    { classification: 'malicious', threat_name: 'no.dots' },
    { threat_name: 'x' },
  ] as Record<string, string>[]) {
    assert.equal((await judge(form)).status, 400, JSON.stringify(form))
  }
  assert.equal((await server.delete(path)).status, 200)
  assert.deepEqual(await classified(), ['unknown', null, null])
  assert.equal(
    (await server.post(`/api/samples/${hash}/setclassification/ticloud/`, { form: { classification: 'goodware' } }))
      .status,
    428,
  )
  assert.equal(
    (await server.post(`/api/samples/${hash}/setclassification/moon/`, { form: { classification: 'goodware' } }))
      .status,
    400,
  )
  assert.equal((await server.get(`/api/samples/v3/${'0'.repeat(40)}/classification/`)).status, 404)
})

test('tags are added and removed with JSON bodies, on DELETE too', async () => {
  const hash = await server.upload('to be tagged', 't.txt')
  const path = `/api/tag/${hash}/`
  assert.deepEqual((await server.get(path)).json, [])
  assert.deepEqual((await server.post(path, { json: { tags: ['beta', 'alpha'] } })).json, ['alpha', 'beta'])
  assert.deepEqual((await server.delete(path, { json: { tags: ['beta', 'never there'] } })).json, ['alpha'])
  for (const tags of [[], [''], 'x'.repeat(300), undefined]) {
    assert.equal((await server.post(path, { json: { tags } })).status, 400, JSON.stringify(tags))
  }
  assert.equal((await server.get(`/api/tag/${'0'.repeat(40)}/`)).status, 404)
})

test('samples are deleted one by one or many at once, by every user, and what is deleted is gone everywhere', async () => {
  const hashes = [
    await server.upload('to go 1', '1'),
    await server.upload('to go 2', '2'),
    await server.upload('to go 3', '3'),
  ]
  const [one = '', ...others] = hashes
  const deleted = (await server.delete(`/api/samples/${one}/`, { as: 'ana' })).json
  assert.deepEqual([deleted.code, deleted.message, deleted.detail.sha1], [200, 'Sample deleted successfully.', one])
  assert.equal((await server.delete(`/api/samples/${one}/`)).status, 404)
  const bulk = (await server.post('/api/samples/v2/delete_bulk/', { form: { hash_values: [...others, one] } })).json
  assert.deepEqual([bulk.detail.deleted.sort(), bulk.detail.not_found], [[...others].sort(), [one]])
  for (const hash of hashes) {
    assert.equal((await server.get(`/api/samples/${hash}/download/`)).status, 404)
    assert.equal((await server.get(`/api/samples/v3/${hash}/classification/`)).status, 404)
  }
})

/** The one file of a zip, taken out by 7-Zip; null when the password is wrong. */
function unzip(zip: Buffer, password: string): Buffer | null {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-unzip-'))
  try {
    writeFileSync(join(folder, 'a.zip'), zip)
    const { status, stdout } = spawnSync(sevenZipBinary(), ['x', '-so', `-p${password}`, join(folder, 'a.zip')])
    return status === 0 ? stdout : null
  } finally {
    rmSync(folder, { recursive: true })
  }
}
