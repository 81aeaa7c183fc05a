/** Traces of requests and hunts, as a collector receives them. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as readJson } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { backtrailTo, folderWith } from '../cli/running.ts'
import { until } from '../faults/killable-server.ts'
import { type Json, TestServer } from './harness.ts'

interface Received {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly kind: number
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

interface Collector {
  readonly url: string
  readonly spans: readonly Received[]
  /** Everything that came, as text. */
  readonly text: () => string
}

/** A collector of traces that takes OTLP over HTTP, in JSON. `status` is what it answers. */
async function startCollector(t: TestContext, status = 200): Promise<Collector> {
  const spans: Received[] = []
  let text = ''
  const http = createServer(async (request, answer) => {
    const body: Json = await readJson(request)
    text += JSON.stringify(body)
    for (const { resource, scopeSpans } of body.resourceSpans) {
      assert.equal(valuesOf(resource.attributes)['service.name'], 'backtrail')
      for (const { spans: some } of scopeSpans) spans.push(...some.map(receivedOf))
    }
    answer.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1/traces`, spans, text: () => text }
}

const valuesOf = (attributes: Json): Record<string, string | number | boolean> =>
  Object.fromEntries(
    attributes.map(({ key, value }: Json) => [
      key,
      value.intValue === undefined ? Object.values(value)[0] : Number(value.intValue),
    ]),
  )

const receivedOf = ({ name, traceId, spanId, parentSpanId, kind, status, attributes }: Json): Received => ({
  ...{ name, traceId, spanId, parentSpanId, kind },
  failed: status.code === 2,
  attributes: valuesOf(attributes),
})

const SERVER_KIND = 2
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'

test('a request and the hunt that it asks for are in the trace of its client, without paths, texts or tokens', {
  timeout: 120_000,
}, async (t) => {
  const collector = await startCollector(t)
  const server = await TestServer.start({ traceUrl: collector.url })
  let isStopped = false
  t.after(() => (isStopped ? undefined : server.stop()))
  const sha1 = await server.upload('a sample with a needle in it', 'secret-name.txt')
  await server.upload('hay', 'hay.txt')
  const headers = { traceparent: `00-${TRACE}-${CALLER}-01` }
  const rules = [{ name: 'secret_text', content: 'rule secret_rule { strings: $a = "a needle" condition: $a }' }]
  const { json: hunt } = await server.post('/api/hunts/', { json: { rules }, headers })
  await server.appliance.adHocHunts.settled(hunt.id)
  await server.get(`/api/samples/${sha1}/details/?secret=in-the-query`)
  await server.get('/healthz', { as: null })
  await server.get('/no/such/secret-path', { isDocumented: false })
  await server.stop()
  isStopped = true

  const { spans } = collector
  const [request, ...more] = spans.filter(({ traceId, kind }) => traceId === TRACE && kind === SERVER_KIND)
  assert.ok(request)
  assert.deepEqual(more, [])
  assert.equal(request.name, 'POST /api/hunts/')
  assert.equal(request.parentSpanId, CALLER)
  assert.equal(typeof request.attributes['backtrail.request'], 'string')
  assert.deepEqual(
    { ...request.attributes, 'backtrail.request': 'any' },
    {
      'http.request.method': 'POST',
      'http.route': '/api/hunts/',
      'http.response.status_code': 201,
      'backtrail.operation': 'createHunt',
      'backtrail.request': 'any',
    },
  )
  const ofHunt = spans.find(({ name }) => name === 'hunt')
  assert.ok(ofHunt)
  assert.deepEqual([ofHunt.traceId, ofHunt.parentSpanId], [TRACE, request.spanId])
  assert.deepEqual(ofHunt.attributes, { 'backtrail.hunt': hunt.id, 'backtrail.hunt.kind': 'ad-hoc' })
  const children = spans.filter(({ parentSpanId }) => parentSpanId === ofHunt.spanId)
  const attributesOf = (name: string) => children.find((child) => child.name === name)?.attributes
  assert.deepEqual(children.map(({ name }) => name).sort(), ['hunt.look-up', 'hunt.plan', 'hunt.verify', 'hunt.wait'])
  assert.deepEqual(attributesOf('hunt.plan'), { 'backtrail.rulesets': 1, 'backtrail.parts': 1 })
  const lookUp = attributesOf('hunt.look-up')
  assert.equal(Number(lookUp?.['backtrail.segments']) + Number(lookUp?.['backtrail.unindexed']) > 0, true)
  assert.ok(Number(attributesOf('hunt.verify')?.['backtrail.candidates']) >= 1)
  assert.ok(Number(attributesOf('hunt.verify')?.['backtrail.bytes']) >= 28)

  const details = spans.find(({ name }) => name === 'GET /api/samples/:hash/details/')
  assert.ok(details && details.traceId !== TRACE, 'without a trace of the client it is one of its own')
  const unknown = spans.find(({ attributes }) => attributes['http.route'] === 'unknown')
  assert.equal(unknown?.attributes['http.response.status_code'], 404)
  assert.ok(spans.every(({ name }) => !name.includes('healthz')))
  for (const secret of ['secret', sha1, server.tokens.admin, 'needle', 'admin'])
    assert.ok(!collector.text().includes(secret), secret)
})

test('segments of the index are parts of a hunt’s look-up', { timeout: 120_000 }, async (t) => {
  const collector = await startCollector(t)
  const server = await TestServer.start({ traceUrl: collector.url })
  t.after(() => server.stop())
  await server.upload('a sample with a needle in it', 'one.txt')
  await server.appliance.segments.build()
  const rules = [{ name: 'r', content: 'rule r { strings: $a = "a needle" condition: $a }' }]
  const { json: hunt } = await server.post('/api/hunts/', { json: { rules } })
  await server.appliance.adHocHunts.settled(hunt.id)
  const named = (name: string) => collector.spans.find((span) => span.name === name)
  await until(
    () => named('hunt') !== undefined && named('hunt.segment') !== undefined,
    () => 'the spans of the hunt were there',
  )
  assert.equal(named('hunt.segment')?.parentSpanId, named('hunt.look-up')?.spanId)
  assert.equal(named('hunt.segment')?.attributes['backtrail.samples'], 1)
})

test('a client’s header that makes no sense, or says not to record, is nobody’s harm', async (t) => {
  const collector = await startCollector(t)
  const server = await TestServer.start({ traceUrl: collector.url })
  const headersOf = ['nonsense', `00-${'0'.repeat(32)}-${CALLER}-01`, 'x'.repeat(4_000), `00-${TRACE}-${CALLER}-00`]
  for (const traceparent of headersOf)
    assert.equal((await server.get('/api/users/me/', { headers: { traceparent } })).status, 200)
  await server.stop()
  const requests = collector.spans.filter(({ kind }) => kind === SERVER_KIND)
  assert.equal(requests.length, 3, 'the last one says that it is not recorded')
  assert.ok(requests.every(({ traceId, parentSpanId }) => traceId !== TRACE && !parentSpanId))
})

test('a collector that is away, or refuses, holds up nothing, and the log says so once', {
  timeout: 120_000,
}, async (t) => {
  const refusing = await startCollector(t, 400)
  for (const traceUrl of ['http://127.0.0.1:1/v1/traces', refusing.url]) {
    const server = await TestServer.start({ traceUrl })
    for (let i = 0; i < 5; i++) assert.equal((await server.get('/api/users/me/')).status, 200)
    const begun = performance.now()
    await server.stop()
    assert.ok(performance.now() - begun < 15_000)
    assert.equal(server.logged().match(/traces could not be sent/g)?.length, 1, traceUrl)
  }
})

test('without the setting nothing of OpenTelemetry’s exporters is loaded', async (t) => {
  const folder = folderWith(t, { 'sample.txt': 'x' })
  // Says at the end whether what sends traces was among the modules: src/tracing/otlp.ts, or what was built of it.
  const watch = `import { registerHooks } from 'node:module'
    let isThere = false
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context)
        isThere ||= /[/]otlp[-.]/.test(found.url)
        return found
      },
    })
    process.on('exit', () => process.stderr.write(isThere ? 'loaded' : 'not there'))`
  const loaded = async (env: Record<string, string>) => {
    const { stderr } = await backtrailTo(0, ['ingest', `${folder}/sample.txt`, '--data', `${folder}/data`], {
      env: { ...env, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(watch)}` },
    })
    assert.match(stderr, /(?:loaded|not there)$/)
    return stderr.endsWith('loaded')
  }
  assert.equal(await loaded({}), false)
  assert.equal(await loaded({ BACKTRAIL_TRACE_URL: 'http://127.0.0.1:1/v1/traces' }), true)
})
