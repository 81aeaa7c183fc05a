/** Repositories, archives and servers that mean harm, or fail: bounded, refused with a reason, and nothing is changed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import { until } from '../faults/killable-server.ts'
import { type Json, TestServer } from '../http/harness.ts'
import { type Files, lacking, Repository, RuleServer, writeFiles } from './rule-server.ts'

let rules: RuleServer
let server: TestServer
const skip = lacking

const MB = 1024 * 1024

before(async () => {
  if (skip) return
  rules = await RuleServer.start()
  server = await TestServer.start({
    ruleSourceHosts: ['localhost', '127.0.0.1', 'private.example'],
    ruleSourceNetworks: ['127.0.0.1', '::1'],
    ruleSourceCa: rules.ca,
    ruleSourceBytes: 8 * MB,
    ruleSourceFiles: 2_000,
    ruleSourceTimeout: 25_000,
  })
  server.appliance.ruleSources.start()
})
after(async () => {
  await server?.stop()
  await rules?.stop()
})

const finds = (rule: string, text = rule) => `rule ${rule} { strings: $a = "${text}" condition: $a }\n`
let sources = 0

/** Adds a source and synchronizes it; what came of it. */
async function fetched(url: string, more: Json = {}): Promise<Json> {
  const { keep: _, ...given } = more
  const json = { url, name: `source ${sources++}`, ...given }
  const added = await server.post('/api/yara/repositories/', { json })
  if (added.status !== 201) return { added: added.status, problem: added.json.message, error: added.json.error }
  const done = await sync(added.json.id)
  // What failed would be tried again, and again.
  if (!more.keep) await server.delete(`/api/yara/repositories/${done.id}/`)
  return { ...done, added: added.status }
}

async function sync(id: number): Promise<Json> {
  const { run } = (await server.post(`/api/rule-sources/${id}/sync/`, { json: {} })).json
  let source: Json
  await until(
    async () => {
      source = (await server.get(`/api/rule-sources/${id}/`)).json
      return (source.last_run?.run ?? -1) >= run
    },
    () => `the run ends: ${JSON.stringify(source)}`,
    300_000,
  )
  return { id, ...source.last_run, ...source.last_run.outcome }
}

const content = async (name: string): Promise<string | undefined> =>
  (await server.get(`/api/yara/ruleset/content/?name=${encodeURIComponent(name)}`)).json.detail?.content

/** An archive of files, as tar and the like pack them. `links` by name, with what they lead to. */
function packed(files: Files, parameters: readonly string[], links: Readonly<Record<string, string>> = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-pack-'))
  try {
    writeFiles(join(folder, 'in'), files)
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, 'in', name))
    const made = spawnSync('tar', [
      '-C',
      join(folder, 'in'),
      ...parameters,
      '-cf',
      join(folder, 'out'),
      ...readdirSync(join(folder, 'in')),
    ])
    assert.equal(made.status, 0, String(made.stderr))
    return readFileSync(join(folder, 'out'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A zip without compression, with whatever names. */
function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const [parts, central]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const [bytes, path] = [Buffer.from(text), Buffer.from(name)]
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt32LE(crc32(bytes), 10)
    fields.writeUInt32LE(bytes.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(path.length, 22)
    parts.push(Buffer.concat([Buffer.from('PK\x03\x04'), fields, path, bytes]))
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, rest, path]))
    offset += (parts.at(-1) as Buffer).length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(parts.length, 4)
  end.writeUInt16LE(parts.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, directory, Buffer.from('PK\x05\x06'), end])
}

test('rule packages are read in each form in which they are published', { skip, timeout: 600_000 }, async () => {
  const files = (mark: string) => ({
    'pack-1.2/README': 'read me',
    [`pack-1.2/a/${mark}_rule.yar`]: `include "../shared.inc"\n${finds(`${mark}_rule`)}`,
    'pack-1.2/shared.inc': 'private rule shared { condition: true }\n',
  })
  const forms: Record<string, Buffer> = {
    'rules.zip': zipOf(files('zip')),
    'rules.tar': packed(files('tar'), []),
    'rules.tar.gz': packed(files('gz'), ['-z']),
    'team/pack/archive/HEAD': gzipSync(packed(files('plain'), [])),
    'one_rule.yar': Buffer.from(finds('one_rule')),
  }
  for (const [path, bytes] of Object.entries(forms)) {
    rules.serve(path, bytes)
    const done = await fetched(rules.url(path))
    assert.equal(done.problem, null, `${path}: ${JSON.stringify(done)}`)
    assert.equal(done.created, 1, `${path}: ${JSON.stringify(done)}`)
    assert.match(done.version, /^sha256:[0-9a-f]{64}$/)
  }
  for (const mark of ['zip', 'tar', 'gz', 'plain'])
    assert.match((await content(`${mark}_rule`)) ?? '', /private rule shared/, mark)
  assert.equal(await content('one_rule'), finds('one_rule'))
})

test('names in an archive are never paths: what leads out of it, and links, are left out or have another name', {
  skip,
  timeout: 300_000,
}, async () => {
  const marker = `/tmp/backtrail-escape-${process.pid}.yar`
  rules.serve(
    'paths.zip',
    zipOf({
      [`../../../../../..${marker}`]: finds('climbing'),
      [marker]: finds('absolute'),
      'a\\b\\windows.yar': finds('windows'),
    }),
  )
  const done = await fetched(rules.url('paths.zip'))
  assert.equal(done.problem, null, JSON.stringify(done))
  assert.equal(await content('windows'), finds('windows'))
  assert.throws(() => readFileSync(marker), { code: 'ENOENT' })

  rules.serve(
    'links.tar',
    packed({ 'real.yar': finds('real_rule'), 'including.yar': 'include "link.yar"\nrule r { condition: true }' }, [], {
      'link.yar': '/etc/passwd',
    }),
  )
  const linked = await fetched(rules.url('links.tar'))
  assert.equal(linked.created, 1, JSON.stringify(linked))
  assert.match(linked.problems.join('\n'), /including\.yar:1:1: include "link\.yar": there is no such file/)
})

test('a repository with links, submodules and impossible paths gives its plain files only', {
  skip,
  timeout: 300_000,
}, async () => {
  const repository = new Repository(rules, 'strange.git')
  const [plain, link, outside] = [finds('plain'), '/etc/passwd', finds('outside')].map((text) => repository.blob(text))
  const commit = repository.commitRaw('')
  const hooks = repository.git(['mktree'], `100755 blob ${outside}\tpost-checkout\n`)
  repository.commitRaw(
    `100644 blob ${plain}\tplain_one.yar\n120000 blob ${link}\tlink.yar\n160000 commit ${commit}\tmodule\n040000 tree ${hooks}\thooks\n`,
  )
  const done = await fetched(rules.url('strange.git'))
  assert.deepEqual([done.problem, done.created], [null, 1], JSON.stringify(done))
  assert.equal(await content('plain_one'), finds('plain'))
})

test('what is too large, too many or endless ends at its bound, with a reason', {
  skip,
  timeout: 600_000,
}, async (t) => {
  const many = new Repository(rules, 'many.git')
  const tree = [0, 1, 2].map((i) => `100644 blob ${many.blob(`x${i}`)}\tf${i}.txt\n`)
  const level = (lines: string) => many.git(['mktree'], lines)
  // A tree that names another ten times, nine levels deep: three files for each of a billion paths.
  let bomb = level(tree.join(''))
  for (let depth = 0; depth < 9; depth++)
    bomb = level(Array.from({ length: 10 }, (_, i) => `040000 tree ${bomb}\td${i}\n`).join(''))
  many.commitRaw(`040000 tree ${bomb}\tall\n`)

  const large = new Repository(rules, 'large.git')
  const noise = randomBytes(12 * MB)
  large.commit({ 'noise.bin': noise, 'a.yar': finds('large') })

  const inflating = new Repository(rules, 'inflating.git')
  // Of one character, so that it is small on the way; and no blank, since an empty file is only left out.
  inflating.commit({ 'bomb.yar': `// ${'x'.repeat(40 * MB)}`, 'b.yar': finds('inflating') })

  rules.serve('bomb.zip', gzipSync(packed({ 'a.yar': Buffer.alloc(60 * MB, '\n') }, [])))
  rules.serve(
    'many.tar.gz',
    packed(Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`f${i}.yar`, finds(`f${i}`)])), ['-z']),
  )
  rules.answer('endless.zip', (_request, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(64 * 1024, 'PK'))) if (response.destroyed) return
    }
    response.on('drain', more)
    more()
  })
  rules.serve(
    'amplified.tar',
    packed(
      {
        ...Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [`a${i}.yar`, `include "big.inc"\n${finds(`a${i}`)}`]),
        ),
        'big.inc': `/* ${'x'.repeat(MB)} */`,
      },
      [],
    ),
  )
  const cases: Record<string, RegExp> = {
    'many.git': /more than 2000 files/,
    'large.git': /larger than a source may be/,
    'inflating.git': /longer than 8388608 bytes|larger/,
    'bomb.zip': /cannot be used: .*more than/,
    'many.tar.gz': /more than 2000 contained files/,
    'endless.zip': /larger than a source may be/,
    'amplified.tar': /longer than 8388608 bytes/,
  }
  for (const [path, reason] of Object.entries(cases)) {
    await t.test(path, async () => {
      const done = await fetched(rules.url(path))
      assert.match(String(done.problem), reason, JSON.stringify(done))
      assert.equal((await server.get('/healthz', { as: null, isDocumented: false })).status, 200)
    })
  }
})

test('hosts that are not on the list and addresses that are not public are refused, also behind redirections', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const { port } = rules
  const to = (location: string) => (path: string) => {
    rules.answer(path, (request, response) =>
      response
        .writeHead(302, { location: `${location}${request.url?.slice(`/${path.replace('*', '')}`.length) ?? ''}` })
        .end(),
    )
  }
  to('https://elsewhere.example/rules.zip')('to-host.zip')
  to(`https://127.0.0.2:${port}/rules.zip`)('to-private.zip')
  to(`http://localhost:${port}/rules.zip`)('to-plain.zip')
  to(rules.url('to-itself.zip'))('to-itself.zip')
  to('https://elsewhere.example/rules.git/')('to-host.git/*')
  to(`https://127.0.0.2:${port}/rules.git/`)('to-private.git/*')
  to(`http://localhost:${port}/rules.git/`)('to-plain.git/*')
  const cases: Record<string, RegExp> = {
    'http://localhost/rules.git': /starts with https/,
    'file:///etc/rules.git': /starts with https/,
    'ext::sh -c true': /starts with https/,
    'https://user:secret@localhost/rules.git': /must not have a password/,
    'https://elsewhere.example/rules.git': /elsewhere\.example: it is not one of --rule-source-hosts/,
    [`https://127.0.0.2:${port}/rules.zip`]: /127\.0\.0\.2: it is not one of --rule-source-hosts/,
    [`https://0x7f000002:${port}/rules.zip`]: /127\.0\.0\.2: it is not one of/,
    [rules.url('to-host.zip')]: /elsewhere\.example: it is not one of/,
    [rules.url('to-private.zip')]: /127\.0\.0\.2: it is not one of/,
    [rules.url('to-plain.zip')]: /not https/,
    [rules.url('to-itself.zip')]: /more than 5 times/,
    [rules.url('to-host.git')]: /elsewhere\.example: it is not one of/,
    [rules.url('to-private.git')]: /127\.0\.0\.2: it is not one of/,
    [rules.url('to-plain.git')]: /https only|http/,
  }
  rules.asked.length = 0
  for (const [url, reason] of Object.entries(cases)) {
    await t.test(url.replace(String(port), 'PORT'), async () => {
      const json = { url, name: `source ${sources++}` }
      const answer = await server.post('/api/yara/repositories/', { json })
      assert.equal(answer.status >= 400 && answer.status < 500, true, answer.text)
      assert.match(answer.json.message, reason)
    })
  }
  assert.ok(!rules.asked.some((line) => line.endsWith('/rules.zip')), 'nothing was asked behind a redirection')

  const closed = await TestServer.start({ ruleSourceHosts: ['*'], ruleSourceCa: rules.ca })
  try {
    for (const url of [
      rules.url('rules.zip'),
      rules.url('many.git'),
      `https://[::1]:${port}/rules.zip`,
      `https://[::ffff:127.0.0.1]:${port}/x.git`,
    ]) {
      const answer = await closed.post('/api/yara/repositories/', { json: { url, name: 'private' } })
      assert.equal(answer.json.error, 'source.refused', answer.text)
      assert.match(answer.json.message, /not a public one; --rule-source-networks/)
    }
  } finally {
    await closed.stop()
  }
})

test('a token goes to its own server only, and is nowhere to be read', { skip, timeout: 300_000 }, async () => {
  const seen: string[] = []
  const note = (name: string, location?: string) =>
    rules.answer(name, (request, response) => {
      seen.push(`${name} ${request.headers.authorization ?? 'none'}`)
      if (location) response.writeHead(302, { location }).end()
      else if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
      else rules.throughGit(request, response)
    })
  const repository = new Repository(rules, 'secret.git')
  repository.commit({ 'secret_rule.yar': finds('secret_rule') })
  note('secret.git/*')
  const without = await fetched(rules.url('secret.git'))
  assert.deepEqual([without.added, without.error], [424, 'source.credentials'])
  const done = await fetched(rules.url('secret.git'), { api_token: 'the-secret' })
  assert.equal(done.created, 1, JSON.stringify(done))
  assert.ok(seen.some((line) => line.includes(Buffer.from('x-access-token:the-secret').toString('base64'))))

  rules.serve('target.zip', zipOf({ 'target_rule.yar': finds('target_rule') }))
  seen.length = 0
  note('first.zip', `https://127.0.0.1:${rules.port}/second.zip`)
  note('second.zip', rules.url('target.zip'))
  await fetched(rules.url('first.zip'), { api_token: 'the-secret' })
  assert.ok(seen.includes('first.zip Bearer the-secret'), seen.join('; '))
  assert.ok(seen.includes('second.zip none'), 'another host does not get it')
  assert.doesNotMatch(server.logged(), /the-secret/)
})

test('servers that are slow, break off, lie or are gone change nothing, and are tried again', {
  skip,
  timeout: 1_800_000,
}, async (t) => {
  const whole = zipOf({ 'steady.yar': finds('steady'), 'second_steady.yar': finds('second_steady') })
  const newer = zipOf({ 'steady.yar': finds('steady', 'newer') })
  rules.serve('steady.zip', whole)
  const { id, created } = await fetched(rules.url('steady.zip'), { keep: true })
  assert.equal(created, 2)
  const states: Record<string, [Parameters<RuleServer['answer']>[1], RegExp]> = {
    slow: [(_request, response) => void response.write('PK'), /longer than 25 seconds/],
    'cut in the middle': [
      (_request, response) => {
        response.writeHead(200, { 'content-length': newer.length })
        response.write(newer.subarray(0, newer.length - 30))
        setTimeout(() => response.destroy(), 50)
      },
      /cut off/,
    ],
    'cut without a length': [
      (_request, response) => response.end(newer.subarray(0, newer.length - 30)),
      /damaged|cannot be used|no archive|no YARA file/,
    ],
    'no archive': [(_request, response) => response.end('<html>log in</html>'), /no archive/],
    'an empty archive': [
      (_request, response) => response.end(zipOf({ 'README.md': 'moved' })),
      /no YARA file in it any more/,
    ],
    missing: [(_request, response) => response.writeHead(404).end(), /has no \/steady\.zip/],
    garbage: [(request) => void request.socket.end('not http at all\r\n\r\n'), /did not answer/],
  }
  for (const [what, [answering, reason]] of Object.entries(states)) {
    await t.test(what, async () => {
      rules.answer('steady.zip', answering)
      const { run } = (await server.post(`/api/rule-sources/${id}/sync/`, { json: {} })).json
      let source: Json
      await until(
        async () => {
          source = (await server.get(`/api/rule-sources/${id}/`)).json
          return (source.last_run?.run ?? -1) >= run
        },
        () => `the run ends: ${JSON.stringify(source)}`,
        300_000,
      )
      assert.match(String(source.problem), reason)
      assert.ok(source.next !== null && source.failures > 0)
      assert.equal(await content('steady'), finds('steady'))
      assert.equal((await server.get('/api/rulesets/second_steady/')).json.status, 'active')
    })
  }
  // Each failure lets it wait twice as long; whoever asks does not.
  const waiting = (await server.get(`/api/rule-sources/${id}/`)).json
  assert.ok(Date.parse(waiting.next) - Date.now() > 60_000, JSON.stringify(waiting))
  rules.serve('steady.zip', newer)
  await server.post(`/api/rule-sources/${id}/sync/`, { json: {} })
  await until(
    async () => (await content('steady')) === finds('steady', 'newer'),
    () => 'it is fetched when the server is well again',
    300_000,
  )
  // After one failure it is tried again by itself, soon.
  rules.answer('steady.zip', (_request, response) => response.writeHead(503).end())
  await server.post(`/api/rule-sources/${id}/sync/`, { json: {} })
  await until(
    async () => (await server.get(`/api/rule-sources/${id}/`)).json.failures === 1,
    () => 'the failure is told',
    300_000,
  )
  rules.serve('steady.zip', whole)
  await until(
    async () => (await content('steady')) === finds('steady'),
    () => 'it is fetched again by itself',
    300_000,
  )
})
