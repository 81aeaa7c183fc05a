/** Quotas: how much a user may send in a day and have stored, and what an upload above it is answered. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Answer, type Json, sha1, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start({ quotaDaySamples: 1_000 })
})
after(() => server.stop())

const sent = new Map<string, number>()
/** Contents that nobody has sent before. */
function fresh(size = 20): string {
  const number = (sent.get('all') ?? 0) + 1
  sent.set('all', number)
  return `${number} `.padEnd(size, 'x')
}

async function send(content: string | Buffer, as: User = 'ana', name = 'of-a-quota.txt'): Promise<Answer> {
  const multipart = new FormData()
  multipart.append('file', new Blob([content as string]), name)
  return server.post('/api/submit/file/', { as, multipart })
}

const quotaOf = async (user: User = 'ana'): Promise<Json> => (await server.get(`/api/users/${user}/quota/`)).json

/** Room for so much more than what was sent already. */
async function allow(more: Json, user: User = 'ana'): Promise<void> {
  const { used } = await quotaOf(user)
  const limits = Object.entries<number>(more).map(([limit, count]) => [limit, used[limit] + count])
  const { status, text } = await server.post(`/api/users/${user}/quota/`, { json: Object.fromEntries(limits) })
  assert.equal(status, 200, text)
}

beforeEach(() => server.delete('/api/users/ana/quota/'))

test('above the samples of a day an upload is answered 429, with the time until the next, and nothing of it is stored', async () => {
  const again = fresh()
  await allow({ day_samples: 2 })
  assert.deepEqual([(await send(again)).status, (await send(again)).status], [201, 201], 'what is known counts as well')
  const refused = fresh()
  const { status, json, headers } = await send(refused)
  assert.deepEqual([status, json.error], [429, 'quota.day'])
  const seconds = Number(headers['retry-after'])
  assert.ok(seconds > 0 && seconds <= 86_400, `${seconds}`)
  assert.match(json.message, /^You may send \d+ samples in a day, and this would be more; .* 00:00 UTC\.$/)
  assert.equal((await server.get(`/api/samples/${sha1(refused)}/details/`)).status, 404)
  assert.equal((await send(refused, 'ben')).status, 201, 'others have their own')
})

test('bytes are counted as they come, and what is refused counts for nothing', async () => {
  await allow({ day_bytes: 3_000 })
  const { used } = await quotaOf()
  for (const size of [5_000, 3_001, 4_000_000])
    assert.equal((await send(fresh(size))).json.error, 'quota.day', `${size}`)
  assert.deepEqual((await quotaOf()).used, used)
  assert.equal((await send(fresh(3_000))).status, 201)
  assert.equal((await send(fresh(1))).json.error, 'quota.day')
})

test('uploads at once do not all take the last that fits', async () => {
  await allow({ day_samples: 3 })
  const answers = await Promise.all(Array.from({ length: 12 }, () => send(fresh())))
  const statuses = answers.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [...Array(3).fill(201), ...Array(9).fill(429)])
  await server.appliance.intake.idle()
})

test('of files that are sent together those that fit are stored, and the others are refused by themselves', async () => {
  const together = async (contents: readonly string[]) => {
    const multipart = new FormData()
    for (const content of contents) multipart.append('file', new Blob([content]), 'together.txt')
    const { status, json, text } = await server.post('/api/submit/files/', { as: 'ana', multipart })
    assert.equal(status, 200, text)
    return json.results.map(({ stored, refused }: Json) => stored?.sha1 ?? refused.error)
  }
  const contents = Array.from({ length: 5 }, () => fresh())
  await allow({ day_samples: 3 })
  const before = (await quotaOf()).used.day_samples
  const expected = [...contents.slice(0, 3).map(sha1), 'quota.day', 'quota.day']
  assert.deepEqual(await together(contents), expected)
  assert.equal((await quotaOf()).used.day_samples, before + 3)
  assert.equal((await server.get(`/api/samples/${sha1(contents[4] ?? '')}/details/`)).status, 404)

  await allow({ total_bytes: 100 })
  const sizes = [fresh(60), fresh(60), fresh(40), fresh(1)]
  assert.deepEqual(await together(sizes), [sha1(sizes[0] ?? ''), 'quota.total', sha1(sizes[2] ?? ''), 'quota.total'])
  await server.appliance.intake.idle()
})

test('with as much stored as may be an upload is answered 507, until some of it is deleted', async () => {
  const first = fresh()
  await allow({ total_samples: 2, total_bytes: 5_000 })
  assert.equal((await send(first)).status, 201)
  const large = await send(fresh(6_000))
  assert.deepEqual([large.status, large.json.error], [507, 'quota.total'])
  assert.equal((await send(fresh())).status, 201)
  const { status, json } = await send(fresh())
  assert.deepEqual([status, json.error], [507, 'quota.total'])
  assert.match(json.message, /delete some of what you have sent/)
  await server.appliance.intake.idle()
  const before = (await quotaOf()).used
  await server.delete(`/api/samples/${sha1(first)}/`)
  const after = (await quotaOf()).used
  assert.deepEqual(
    [after.total_samples, after.total_bytes],
    [before.total_samples - 1, before.total_bytes - first.length],
  )
  assert.equal((await send(fresh())).status, 201)
})

test('what comes out of an archive counts for nobody', async () => {
  const members = ['a', 'b', 'c'].map((name) => ({ name: Buffer.from(name), bytes: Buffer.from(fresh()) }))
  const before = (await quotaOf()).used
  assert.equal((await send(storedZip(members), 'ana', 'members.zip')).status, 201)
  await server.appliance.intake.idle()
  assert.equal((await quotaOf()).used.total_samples, before.total_samples + 1)
})

test('users without a quota of their own have the one of everybody, see it, and set none', async () => {
  const own = await server.get('/api/users/ana/quota/', { as: 'ana' })
  assert.deepEqual(
    [own.json.own, own.json.day_samples, own.json.day_bytes, own.json.total_samples, own.json.total_bytes],
    [false, 1_000, null, null, null],
  )
  assert.equal((await server.get('/api/users/ben/quota/', { as: 'ana' })).status, 403)
  assert.equal((await server.post('/api/users/ana/quota/', { as: 'ana', json: { day_samples: 5 } })).status, 403)
  const { json } = await server.post('/api/users/ana/quota/', { json: { total_bytes: 5_000_000 } })
  assert.deepEqual([json.own, json.day_samples, json.total_bytes], [true, null, 5_000_000])
  assert.equal((await server.post('/api/users/nobody/quota/', { json: { day_samples: 5 } })).status, 404)
  assert.equal((await server.post('/api/users/ana/quota/', { json: { day_bytes: -1 } })).status, 400)
  const [entry] = (await server.get('/api/audit/?operation=setQuota&limit=1')).json.results
  assert.deepEqual(entry.subjects, ['ana', 'total_bytes: 5000000'])
})

test('a server that starts anew goes on counting', async () => {
  await allow({ day_samples: 1 })
  assert.equal((await send(fresh())).status, 201)
  await server.appliance.intake.idle()
  server = await server.restart()
  assert.equal((await send(fresh())).json.error, 'quota.day')
})
