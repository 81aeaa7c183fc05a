import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { backtrailTo, folderWith } from '../cli/running.ts'
import { passwords, TestServer } from './harness.ts'
import { fittingWays, PREFIX, PrefixProxy, type ProxyWays } from './prefix-proxy.ts'

async function behind(
  t: TestContext,
  { ways, settings }: { readonly ways: ProxyWays; readonly settings: Parameters<typeof TestServer.start>[0] },
): Promise<{ server: TestServer; proxy: PrefixProxy; headers: { authorization: string } }> {
  const server = await TestServer.start(settings)
  t.after(() => server.stop())
  const proxy = await PrefixProxy.start(server.url, ways)
  t.after(() => proxy.stop())
  return { server, proxy, headers: { authorization: `Token ${server.tokens.admin}` } }
}

/** Every address in the attributes of a page, as a browser understands it. */
function linksOf(html: string, base: string): string[] {
  return [...html.matchAll(/\s(?:src|href|data-root)="([^"]+)"/g)].map(([, link = '']) => new URL(link, base).href)
}

for (const way of fittingWays) {
  test(`behind a proxy that ${way.title}, pages and clients find everything below the path`, async (t) => {
    const { server, proxy, headers } = await behind(t, way)
    const get = (path: string, more: RequestInit = {}) => fetch(proxy.url + path, { headers, ...more })

    for (const address of [
      '/',
      '/samples',
      '/samples/',
      '/samples/abc?ruleset=x',
      '/rulesets//deep',
      '/no/such/page',
    ]) {
      const page = await get(address, { headers: { accept: 'text/html' } })
      const links = linksOf(await page.text(), page.url)
      assert.ok(links.length > 5, `${address}: ${links.length} links`)
      assert.ok(links.includes(`${proxy.url}/`), `${address} tells where the root is: ${links.join(' ')}`)
      for (const link of links.filter((each) => each !== `${proxy.url}/`)) {
        assert.equal((await fetch(link)).status, 200, `${address} asks for ${link}`)
      }
    }

    // The documentation, by every address that leads to it.
    for (const address of ['/api/docs', '/api/docs/', '/api/docs/static/index.html']) {
      const docs = await get(address)
      assert.equal(docs.url, `${proxy.url}/api/docs/`)
      for (const link of linksOf(await docs.text(), docs.url)) assert.equal((await fetch(link)).status, 200, link)
    }
    const isKnown = way.ways.says || 'basePath' in way.settings
    for (const address of ['/api/openapi.json', '/api/docs/json']) {
      const { servers } = (await (await get(address)).json()) as { servers: unknown }
      assert.deepEqual(servers, [{ url: isKnown ? proxy.url : proxy.url.slice(0, -PREFIX.length) }])
    }

    // Lists lead to their next page, and sessions come back with the next request.
    await server.upload('one', 'one.txt')
    const hash = await server.upload('two', 'two.txt')
    await server.saveRuleset('every', 'rule every { condition: true }')
    const list = '/api/yara/v2/rulesets/?page=1&page_size=1'
    await server.saveRuleset('more', 'rule more { condition: false }')
    const { next } = (await (await get(list)).json()) as { next: string }
    if (isKnown) {
      assert.ok(next.startsWith(`${proxy.url}/api/yara/v2/rulesets/?page=2&`), next)
      assert.equal((await fetch(next, { headers })).status, 200)
    }
    const logIn = await get('/api/session/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-backtrail-page': '1' },
      body: JSON.stringify({ username: 'ana', password: passwords.ana }),
    })
    assert.equal(logIn.status, 200)
    const cookie = logIn.headers.get('set-cookie') ?? ''
    const isCertain = way.ways.says || !way.ways.takesOff
    assert.match(cookie, isCertain ? new RegExp(`; Path=${PREFIX}/;`) : /; Path=\/;/)
    const withCookie = { cookie: cookie.split(';')[0] ?? '' }
    assert.equal((await get('/api/session/', { headers: withCookie })).status, 200)

    // The command line, with an address that has a path.
    const folder = folderWith(t, {
      'three.txt': 'three of these words',
      'three.yar': 'rule three { strings: $a = "three of these" condition: $a }',
    })
    const where = ['--server', `${proxy.url}/`, '--token', server.tokens.admin]
    await backtrailTo(0, ['ingest', ...where, `${folder}/three.txt`])
    const { stdout } = await backtrailTo(0, ['hunt', ...where, `${folder}/three.yar`])
    assert.match(stdout, /^three\t[0-9a-f]{64}\tthree\.txt\n$/)
    assert.equal((await get(`/api/samples/${hash}/download/`)).status, 200)

    assert.deepEqual(proxy.strays, [])
  })
}

test('the path alone leads to the overview, also where the proxy passes it on', async (t) => {
  const { proxy } = await behind(t, { ways: { takesOff: false, says: false }, settings: { basePath: PREFIX } })
  const page = await fetch(proxy.url, { headers: { accept: 'text/html' } })
  assert.deepEqual([page.status, page.url], [200, `${proxy.url}/`])
})

test('past the proxy, everything is where it is without one', async (t) => {
  const { server } = await behind(t, { ways: { takesOff: true, says: false }, settings: { basePath: PREFIX } })
  const page = await fetch(`${server.url}/samples`)
  for (const link of linksOf(await page.text(), page.url)) assert.equal((await fetch(link)).status, 200, link)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
})

test('a prefix that nobody vouches for, or that is none, ends up in no answer', async (t) => {
  const { server } = await behind(t, { ways: { takesOff: true, says: true }, settings: {} })
  const trusting = await TestServer.start({ trustProxy: ['loopback'] })
  t.after(() => trusting.stop())
  for (const [asked, prefix] of [
    [server, '/bt'],
    ...['//evil.example', '/"><script>', '/../up', 'bt', '/a b'].map((each) => [trusting, each] as const),
  ] as const) {
    const headers = { 'x-forwarded-prefix': prefix }
    const page = await fetch(`${asked.url}/samples`, { headers })
    assert.ok((await page.text()).includes('data-root="./"'), prefix)
    const { servers } = (await (await fetch(`${asked.url}/api/openapi.json`, { headers })).json()) as {
      servers: unknown
    }
    assert.deepEqual(servers, [{ url: asked.url }])
  }
})

test('an address that nothing has is a page for browsers, and JSON for programs and below /api/', async (t) => {
  const { server } = await behind(t, fittingWays[0])
  const accepts = (accept: string) => ({ as: null, isDocumented: false, headers: { accept } }) as const
  const browser = accepts('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8')
  for (const [path, call, status, type] of [
    ['/no/such/page', browser, 404, 'text/html'],
    ['/sample', browser, 404, 'text/html'],
    ['/no/such/page', accepts('*/*'), 404, 'application/json'],
    ['/api/no/such', browser, 404, 'application/json'],
    ['/assets/none.js', browser, 404, 'application/json'],
  ] as const) {
    const answer = await server.get(path, call)
    assert.equal(answer.status, status, path)
    assert.ok(String(answer.headers['content-type']).startsWith(type), `${path}: ${answer.headers['content-type']}`)
    if (type === 'text/html') assert.ok(answer.headers['content-security-policy'], 'it has the policy of every page')
  }
  assert.equal((await server.post('/no/such/page', browser)).headers['content-type'], 'application/json; charset=utf-8')
})
