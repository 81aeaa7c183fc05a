/**
 * A user's hunts whose rules do not come to an end on any stored sample: arriving samples and other users' hunts go on
 * beside them, and cancelling ends what they run.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { progressRecordOf } from './data-folder.ts'
import { type Json, KillableServer, sha256, twoWorkers, until } from './killable-server.ts'

/** Longer than the test may take. */
const SCAN_TIMEOUT = '10m'
const endless = (n: number) =>
  `rule endless${n} { strings: $ = "spin" condition: any of them and for all i in (0..100000000) : ( for all j in (0..100000000) : ( i + j >= ${n} - ${n} ) ) }`

test('endless hunts of one user hold up neither arriving samples nor hunts of others, and end when cancelled', async (t) => {
  const server = new KillableServer(t, [...twoWorkers, '--scan-timeout', SCAN_TIMEOUT, '--hunts-at-once', '2'])
  await server.start()
  await server.demandRuleset('said', 'rule said { strings: $ = "the word" condition: any of them }')
  const spinning = await Promise.all(
    Array.from({ length: 6 }, (_, n) => server.take(Buffer.from(`spin ${n}`), `spin-${n}`)),
  )
  await server.untilProcessed(spinning)

  const texts = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`endless${n}`, endless(n)]))
  // More than there are turns.
  const hunts = [await server.startHunt(texts), await server.startHunt(texts), await server.startHunt(texts)]
  await until(
    () => scanning(server).length >= 2,
    () => 'every worker is in a scan without an end',
  )

  const arriving = Buffer.from('the word arrives')
  await server.untilProcessed([await server.take(arriving, 'arriving')])
  assert.deepEqual(await server.matchesOf('said'), [`said ${sha256(arriving)}`])

  const other = await addUser(server)
  const { status, json } = await other('POST', '/api/hunts/', {
    rules: [{ name: 'word', content: 'rule word { strings: $ = "the word" condition: any of them }' }],
  })
  assert.equal(status, 201, JSON.stringify(json))
  await until(
    async () => (await server.hunt(json.id)).state === 'completed',
    () => 'the hunt of the other user ends',
  )
  assert.equal((await server.hunt(json.id)).matches, 1)

  const states = await Promise.all(hunts.map(async (id) => (await server.hunt(id)).state))
  assert.ok(states.includes('running'), `the endless hunts are ${states}`)
  for (const id of hunts) {
    const { status, json } = await server.call('POST', `/api/hunts/${id}/cancel/`)
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(json.state, 'stopped')
  }
  assert.deepEqual(scanning(server), [], 'stopped, and something runs')
  const rules = [{ name: 'word', content: 'rule word { strings: $ = "the word" condition: any of them }' }]
  const explained = await server.call('POST', '/api/hunts/explain/', { rules })
  assert.equal(explained.status, 200, JSON.stringify(explained.json))
  const lost = server.logged.filter(({ msg }) => msg === 'A worker process was lost')
  assert.deepEqual(lost, [], 'a scan was lost without anybody having cancelled it')
  await server.stop()
})

/** Requests whose texts are checked one after the other, each for minutes. */
const checking: readonly (readonly [what: string, path: string, body: (rules: Json) => Json])[] = [
  ['an explanation', '/api/hunts/explain/', (rules) => ({ rules })],
  ['a hunt', '/api/hunts/', (rules) => ({ rules })],
  [
    'the validation of an assistant',
    '/mcp/',
    (rules) => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'validate_rules', arguments: { rules } },
    }),
  ],
]

test('texts that are checked for minutes leave a process for others, and are let go when their client hangs up', async (t) => {
  const server = new KillableServer(t, [...twoWorkers, '--scan-timeout', SCAN_TIMEOUT])
  await server.start()
  await server.untilProcessed([await server.take(Buffer.from('the word'), 'word')])
  const other = await addUser(server)
  const word = (n: number) => `rule word${n} { strings: $ = "the word" condition: any of them }`
  for (const [round, [what, path, body]] of checking.entries()) {
    const rules = Array.from({ length: 8 }, (_, n) => ({
      name: `endless${n}`,
      content: `rule endless${n} { condition: for all i in (0..9000000000) : ( i >= ${n} - ${n} ) }`,
    }))
    const client = new AbortController()
    const left = server.send('POST', path, body(rules), client.signal).then(
      () => assert.fail(`${what} was answered`),
      (error) => error,
    )
    await until(
      () => trying(server).length >= 3,
      () => `the texts of ${what} are tried`,
    )
    const { status, json } = await other('POST', '/api/hunts/explain/', {
      rules: [{ name: 'word', content: word(round) }],
    })
    assert.equal(status, 200, `beside ${what}: ${JSON.stringify(json)}`)
    assert.ok(trying(server).length >= 3, `${what} goes on`)
    client.abort()
    assert.equal((await left).name, 'AbortError')
    await until(
      () => trying(server).length === 0,
      () => `the texts of ${what} are let go`,
    )
  }
  const { json } = await server.call('GET', '/api/hunts/')
  assert.equal(json.count, 0, 'nobody waits for the hunt')
  assert.deepEqual(
    server.logged.filter(({ level }) => level === 'error'),
    [],
  )
  await server.stop()
})

/** A user beside the administrator: sends as that one. */
async function addUser(server: KillableServer) {
  const account = { name: 'other', password: 'the password of the other', role: 'user' }
  const added = await server.call('POST', '/api/users/', new URLSearchParams(account))
  assert.equal(added.status, 201, JSON.stringify(added.json))
  const { json } = await server.call('POST', '/api-token-auth/', {
    username: account.name,
    password: account.password,
  })
  return async (method: string, path: string, body: Json): Promise<{ status: number; json: Json }> => {
    const answer = await fetch(server.url + path, {
      method,
      headers: { authorization: `Token ${json.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, json: await answer.json() }
  }
}

/** Workers inside a scan. */
const scanning = (server: KillableServer): string[] => inAScan(server, /worker-\d+\.progress/)

/** Processes that check texts, while they try one out. */
const trying = (server: KillableServer): string[] => inAScan(server, /checker-\d+\.progress/)

/** By the progress records of processes that are alive: the byte at 16 is the number of the stage. */
function inAScan(server: KillableServer, record: RegExp): string[] {
  const SCAN = 6
  const names = server.descendants().flatMap(({ command }) => record.exec(command)?.[0] ?? [])
  return names.filter((name) => readFileSync(progressRecordOf(server.data, name))[16] === SCAN)
}
