/**
 * Every endpoint of the OpenAPI document against everything that can be wrong with a request. Whatever is sent, the
 * answer is one that the document has for the endpoint, it says what is wrong, and the server goes on serving. An
 * unexpected failure (500) counts as one here, although every endpoint documents it.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { chosenSeed } from '../planner/random.ts'
import { type Answer, type Call, type Json, TestServer } from './harness.ts'

let server: TestServer
let hash: string

before(async () => {
  server = await TestServer.start({ loginLimit: 10_000 })
  await server.saveRuleset('hostile_target', 'rule r { condition: false }')
  hash = await server.upload('a sample to be asked for', 'target.txt')
})
after(() => server.stop())

/** A request that is right for the operation, to be spoilt in one respect. */
interface Sound {
  readonly method: string
  readonly path: string
  readonly query: Record<string, string>
  readonly body: Record<string, string | string[]> | null
  readonly isOpen: boolean
  readonly isUpload: boolean
}

const values: Readonly<Record<string, string | string[]>> = {
  name: 'hostile_target',
  ruleset_name: 'hostile_target',
  content: 'rule r { condition: false }',
  publish: 'false',
  ticloud: 'false',
  operation: 'STOP',
  time: '999999999',
  seconds: '3600',
  type: 'all',
  status: 'processed',
  source: 'all',
  page: '1',
  page_size: '10',
  username: 'ana',
  password: 'not her password',
  fields: ['sha1'],
  tags: ['hostile'],
  classification: 'malicious',
  risk_score: '9',
  threat_platform: 'Win32',
  threat_type: 'Trojan',
  threat_name: 'Test',
  localonly: '1',
  av_scanners: '0',
  password_protected: 'false',
  system: 'local',
  id: '1',
  number: '1',
  delivery: '1',
  day_samples: '1000000',
  day_bytes: '1000000000000',
  total_samples: '1000000',
  total_bytes: '1000000000000',
  enabled: 'false',
  days: '30',
  grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
  client_id: 'a program',
  device_code: 'a code that nobody has',
  user_code: 'BBBB-BBBB',
  approve: 'false',
  token: 'nobody’s',
  scope: 'read',
  follows: 'true',
  ruleset: 'hostile_target',
  up_to: '1.1',
}

function soundRequests(): Sound[] {
  return server.operations.map(({ method, path, details }) => {
    const known = (name: string) => (name === 'hash' ? hash : name === 'hash_values' ? [hash] : values[name])
    const query: Record<string, string> = {}
    for (const { in: place, name } of details.parameters ?? []) {
      const value = path.includes('rulesets') && name === 'status' ? 'all' : known(name)
      if (place === 'query') query[name] = String([value].flat()[0])
    }
    const types: Json = details.requestBody?.content ?? null
    const properties = Object.keys((Object.values<Json>(types ?? {})[0]?.schema?.properties ?? {}) as object)
    const isUpload = properties.includes('file')
    return {
      method,
      path: path.replace(/\{(\w+)\}/g, (_, name) => String(known(name))),
      query,
      body: types && !isUpload ? Object.fromEntries(properties.map((name) => [name, known(name) ?? 'x'])) : null,
      isOpen: details.security?.length === 0,
      isUpload,
    }
  })
}

const pathOf = ({ path, query }: Pick<Sound, 'path' | 'query'>): string => {
  const search = new URLSearchParams(query).toString()
  return search ? `${path}?${search}` : path
}

/** Sends a spoilt request and looks at the answer. */
async function send(what: string, { method, path }: Sound, query: string, call: Call): Promise<Answer> {
  const answer = await server.call(method, query ? `${path}?${query}` : path, call)
  const about = `${method} ${path} with ${what} → ${answer.status} ${answer.text.slice(0, 200)}`
  if (answer.status >= 400) {
    assert.ok(typeof answer.json.message === 'string' && answer.json.message.length > 5, about)
    assert.doesNotMatch(answer.text, /\.(?:ts|js):\d+|node_modules/, about)
    if (answer.status === 500) assert.equal(answer.json.error, 'ruleset.cannot-run', about)
  }
  return answer
}

async function stillServes(): Promise<void> {
  assert.equal((await server.get('/healthz', { as: null })).status, 200)
}

test('there are endpoints to try', () => {
  assert.ok(soundRequests().length >= 25, `${soundRequests().length} endpoints`)
  assert.ok(soundRequests().filter(({ body }) => body).length >= 12)
})

test('without a token, or with a wrong one, the ruleset list is answered with 401 and everything else with 403', async () => {
  const headers: Record<string, string>[] = [
    {},
    { authorization: '' },
    { authorization: 'Token' },
    { authorization: 'Token wrong' },
    { authorization: `Bearer ${server.tokens.admin}` },
    { authorization: `Token ${server.tokens.admin} ${server.tokens.admin}` },
    { authorization: `Token ${server.tokens.admin}x` },
    { authorization: `Token ${'x'.repeat(8000)}` },
    { authorization: 'Token \xff\xfe' },
    { authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
  ]
  for (const request of soundRequests().filter(({ isOpen }) => !isOpen)) {
    for (const header of headers) {
      const answer = await send(JSON.stringify(header).slice(0, 60), request, '', { as: null, headers: header })
      assert.equal(answer.status, /^\/api\/yara\/(v2\/)?rulesets\/$/.test(request.path) ? 401 : 403, request.path)
      assert.equal(answer.json.message, answer.json.detail)
    }
  }
  await stillServes()
})

test('a wrong method is answered with 405 and the methods that there are', async () => {
  for (const { path } of soundRequests()) {
    // `/api/rulesets/core/` is one path, and the ruleset "core" another.
    const fitting = server.operations.filter(({ pattern }) => pattern.test(path.replace(/\/?$/, '/')))
    const taken = new Set(fitting.map(({ method }) => method))
    // `status` is no hash and `explain` no number: what samples and hunts allow is not allowed there.
    const values: Readonly<Record<string, RegExp>> = { '{hash}': /^[\da-f]{32,128}$/i, '{id}': /^\d+$/ }
    const steps = path.split('/')
    const isNamed = (operation: string) =>
      operation.split('/').every((step, i) => values[step]?.test(steps[i] ?? '') ?? true)
    const right = new Set(fitting.filter((operation) => isNamed(operation.path)).map(({ method }) => method))
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((each) => !taken.has(each))) {
      const answer = await server.call(method, path, { isDocumented: false, form: { name: 'x' } })
      assert.equal(answer.status, 405, `${method} ${path} ${answer.text}`)
      const allowed = String(answer.headers.allow).split(', ')
      for (const each of right) assert.ok(allowed.includes(each), `${path} allows ${allowed}`)
      assert.ok(answer.json.message)
    }
  }
  await stillServes()
})

test('parameters that are missing, repeated, empty, oversized or of another type are told, never swallowed by a failure', async (t) => {
  const spoilt: readonly [string, string][] = [
    ['empty', ''],
    ['blank', ' '],
    ['oversized', 'a'.repeat(6000)],
    ['negative', '-1'],
    ['huge', '99999999999999999999'],
    ['a fraction', '1.5'],
    ['a null character', 'a\0b'],
    ['control characters', 'a\r\nSet-Cookie: x=1'],
    ['markup', '<script>alert(1)</script>'],
    ['a path', '../../../etc/passwd'],
    ['SQL', "' OR 1=1 --"],
    ['a lone surrogate', '\ud800'],
    ['other scripts', 'правило-規則-🦔'],
  ]
  // Each parameter gets every second value, from the first or the second on by the seed, and the next one the others.
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  let turn = seed % 2
  const some = <T>(all: readonly T[]): readonly T[] =>
    process.env.BACKTRAIL_LONG === '1' ? all : all.filter((_, n) => n % 2 === turn % 2)
  let cases = 0
  for (const request of soundRequests()) {
    for (const name of Object.keys(request.query)) {
      turn++
      const { [name]: right = '', ...rest } = request.query
      const others = new URLSearchParams(rest).toString()
      const call: Call = request.body ? { form: request.body } : {}
      await send(`no ${name}`, request, others, call)
      await send(`${name} twice`, request, `${others}&${name}=${right}&${name}=${right}`, call)
      await send(`${name}[]`, request, `${others}&${name}[]=${right}`, call)
      for (const [what, value] of some(spoilt)) {
        await send(`${what} in ${name}`, request, new URLSearchParams({ ...rest, [name]: value }).toString(), call)
        cases++
      }
      for (const broken of ['%ff%fe', '%ZZ', '%', '%00', '%u0041']) {
        await send(`${broken} in ${name}`, request, `${others}&${name}=${broken}`, call)
      }
    }
    for (const name of Object.keys(request.body ?? {})) {
      turn++
      const { [name]: right = '', ...rest } = request.body ?? {}
      const query = new URLSearchParams(request.query).toString()
      await send(`no ${name}`, request, query, { form: rest })
      await send(`${name} twice`, request, query, { form: { ...rest, [name]: [right, right].flat() } })
      for (const [what, value] of some(spoilt)) {
        await send(`${what} in ${name}`, request, query, { form: { ...rest, [name]: value } })
        cases++
      }
      const types = [null, 0, 1.5, true, [], {}, [[]], [null], { a: { b: [1] } }, 'x'.repeat(200_000)]
      for (const value of some(types)) {
        await send(`${JSON.stringify(value).slice(0, 20)} as ${name}`, request, query, {
          json: { ...rest, [name]: value },
        })
        cases++
      }
    }
  }
  assert.ok(cases > 500, `only ${cases} cases`)
  await stillServes()
})

test('bodies of a wrong type, in a broken encoding or cut short are refused with a message', async () => {
  const form = 'application/x-www-form-urlencoded'
  const multipart = 'multipart/form-data; boundary=X'
  const bodies: readonly [string, string | undefined, string | Buffer][] = [
    ['text', 'text/plain', 'name=x'],
    ['XML', 'application/xml', '<a/>'],
    ['an unknown type', 'nonsense', 'x'],
    ['no type', undefined, 'name=x'],
    ['nothing as JSON', 'application/json', ''],
    ['half JSON', 'application/json', '{"name": "x'],
    ['a JSON array', 'application/json', '[]'],
    ['a JSON text', 'application/json', '"name"'],
    ['JSON null', 'application/json', 'null'],
    ['JSON with a prototype', 'application/json', '{"__proto__": {"name": "x"}}'],
    ['deep JSON', 'application/json', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['JSON that is no UTF-8', 'application/json', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['JSON in UTF-16', 'application/json; charset=utf-16', Buffer.from('{"name":"x"}', 'utf16le')],
    ['a form that is no UTF-8', form, Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3d, 0xff])],
    ['an escaped byte that is no UTF-8', form, 'name=%ff&content=%fe&hash_values=%ff&operation=%ff&time=%ff&tags=%ff'],
    ['many fields', form, 'a=1&'.repeat(30_000)],
    ['a prototype', form, '__proto__=x&constructor=y&name=z'],
    ['no boundary', 'multipart/form-data', 'name=x'],
    ['an empty multipart', multipart, ''],
    ['a multipart cut in a header', multipart, '--X\r\nContent-Disposition: form-da'],
    ['a multipart cut in a value', multipart, '--X\r\nContent-Disposition: form-data; name="name"\r\n\r\nhost'],
    ['a multipart without an end', multipart, '--X\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n'],
    [
      'a multipart cut in a file',
      multipart,
      '--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhost',
    ],
    ['a part without a name', multipart, '--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--\r\n'],
    [
      'a multipart prototype',
      multipart,
      '--X\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n--X--\r\n',
    ],
    [
      'a multipart that is no UTF-8',
      multipart,
      Buffer.from('--X\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--X--\r\n', 'latin1'),
    ],
  ]
  for (const request of soundRequests().filter(({ body, isUpload }) => body || isUpload)) {
    for (const [what, type, body] of bodies) {
      const headers: Record<string, string> = type ? { 'content-type': type } : {}
      const answer = await send(what, request, '', { body, headers })
      assert.ok(answer.status >= 400, `${request.method} ${request.path} takes ${what}: ${answer.text}`)
    }
  }
  await stillServes()
})

test('a GET that carries a body of any kind is answered as one without', async () => {
  // Wrong codes of programs count, and are answered otherwise after a few.
  const all = soundRequests().filter(({ method, path }) => method === 'GET' && !path.includes('/device/'))
  for (const request of all) {
    const plain = await server.get(pathOf(request))
    for (const type of ['multipart/form-data', 'application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      const answer = await server.get(pathOf(request), {
        body: '{"operation": "START"',
        headers: { 'content-type': type },
      })
      assert.equal(answer.status, plain.status, `${request.path} with a ${type} body`)
    }
  }
  await stillServes()
})

test('a body above the limit is refused with 413, and the connection serves on', async () => {
  const answer = await server.post('/api/yara/ruleset/', {
    body: Buffer.alloc(33 * 1024 * 1024, 'a'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  assert.equal(answer.status, 413)
  assert.ok(answer.json.message)
  await stillServes()
})

test('what is no path of ours is answered with 404 in JSON, whoever asks', async () => {
  for (const path of [
    '/api',
    '/api/',
    '/api/yara/',
    '/api/yara/v3/rulesets/',
    '/api/sample/',
    '/x/%2e%2e/y',
    '/.git/config',
  ]) {
    const answer = await server.get(path, { as: null, isDocumented: false })
    assert.equal(answer.status, 404, path)
    assert.ok(answer.json.message)
  }
  for (const [path, status] of [
    ['/api/samples/%ZZ/download/', 400],
    [`/api/samples/${'a'.repeat(600)}/download/`, 414],
    [`/api/samples/${'a'.repeat(20_000)}/download/`, 431],
  ] as const) {
    const answer = await server.get(path, { isDocumented: false })
    assert.equal(answer.status, status, path.slice(0, 60))
    assert.ok(answer.json.message)
  }
})

test('bytes that are no HTTP are answered in JSON and end only their own connection', async () => {
  for (const garbage of [
    '\x16\x03\x01\x02\x00',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  ]) {
    const answer = await exchange(garbage)
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(garbage))
    assert.ok(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).message)
  }
  await stillServes()
})

test('a client that leaves in the middle of its body is no failure of the server', async () => {
  const { port } = new URL(server.url)
  for (const path of ['/api/yara/ruleset/', '/api/submit/file/', '/api/submit/files/']) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${server.tokens.admin}\r\nContent-Length: 1000\r\n` +
        'Content-Type: multipart/form-data; boundary=X\r\n\r\n--X\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nabc',
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.destroy()
  }
  await stillServes()
  assert.doesNotMatch(server.logged(), /"level":(?:50|60)/)
})

/** Sends raw bytes and gives everything that comes back until the server ends the connection. */
function exchange(bytes: string): Promise<string> {
  const { port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
