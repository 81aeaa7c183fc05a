/** The cloud's side of the protocol through its front door: what each request gives, and how it is refused. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Type } from 'typebox'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { RulesetAccepted, RulesetInfo, RulesetText, tcaPath, toPlainTime, Usage } from '../../src/tca/index.ts'
import { change } from '../faults/data-folder.ts'
import { KillableServer, until } from '../faults/killable-server.ts'
import { findingsOf, nowSeconds, startCloud, Tenant } from './tenant.ts'

const sha1 = (content: string | Uint8Array) => createHash('sha1').update(content).digest('hex')
const marked = (word: string, rule = 'Marked') => `rule ${rule} : tagged {
  meta:
    author = "somebody"
  strings:
    $word = "${word}"
    $other = "beside it"
  condition:
    $word and #other >= 0
}`

/** Takes some hundredths of a second on each sample. */
const slow = `
rule slow {
  strings: $a = "the slow word"
  condition: for all i in (0..4000000) : ( i >= 0 ) and $a
}`

test('a cloud gives and refuses what the protocol says', { timeout: 180_000 }, async (t) => {
  const cloud = await startCloud(t, ['--tenant-rulesets', '3', '--upload-limit', '64KB'])

  await t.test('an appliance has nothing at the cloud’s addresses, a cloud nothing at the appliance’s', async (t) => {
    const appliance = new KillableServer(t)
    await appliance.start()
    for (const path of [
      '/api/yara/admin/v1/ruleset',
      '/api/feed/yara/v1/query/timestamp/1',
      '/api/customer_usage/v1/usage/yara',
    ]) {
      assert.equal((await appliance.call('GET', path)).status, 404, path)
    }
    for (const path of ['/api/yara/v2/rulesets/', '/api/uploads/local-retro-hunt/', '/api/hunts/', '/api/matches/']) {
      assert.equal((await cloud.call('GET', path)).status, 404, path)
    }
    assert.equal((await cloud.call('GET', '/api/overview/')).status, 200)
    assert.equal((await cloud.call('GET', '/api/health/')).status, 200)
  })

  await t.test('rulesets are created, listed, shown and deleted', async () => {
    const tenant = await Tenant.add(cloud, 'ruler')
    const text = marked('first')
    const accepted = await tenant.demand(RulesetAccepted, 'POST', tcaPath('rulesets', {}), {
      ruleset_name: 'first',
      text,
    })
    assert.deepEqual(accepted, { ruleset_name: 'first', ruleset_sha1: sha1(text) })
    await tenant.create('second', marked('second'))
    const shown = (name: string) => ({ valid: true, ruleset_name: name, approved: true })
    assert.deepEqual(await tenant.demand(Type.Array(RulesetInfo), 'GET', tcaPath('rulesets', {})), [
      shown('first'),
      shown('second'),
    ])
    assert.deepEqual(await tenant.demand(RulesetInfo, 'GET', tcaPath('ruleset', { name: 'first' })), shown('first'))
    assert.deepEqual(await tenant.demand(RulesetText, 'GET', tcaPath('rulesetText', { name: 'first' })), { text })
    const usage = await tenant.demand(Usage, 'GET', `${tcaPath('usage', {})}?format=json`)
    assert.equal(usage.rl.number_of_active_rulesets, 2)

    const post = (body: object) => tenant.refused(400, 'POST', tcaPath('rulesets', {}), body)
    assert.match(await post({ ruleset_name: 'first', text: marked('another') }), /already a ruleset first/)
    assert.match(await post({ ruleset_name: 'no', text }), /3 to 48/)
    assert.match(
      await post({ ruleset_name: 'broken', text: 'rule x {\n condition: $missing }' }),
      /^Line 2, column \d+: /,
    )
    assert.match(
      await post({ ruleset_name: 'large', text: `${text}//${'x'.repeat(1024 * 1024)}` }),
      /larger than 1048576/,
    )
    assert.match(await post({ text }), /ruleset_name is missing/)
    await tenant.create('my 3rd. 100% rules', text)
    const third = tcaPath('ruleset', { name: 'my 3rd. 100% rules' })
    assert.equal((await tenant.demand(RulesetInfo, 'GET', third)).ruleset_name, 'my 3rd. 100% rules')
    const quota = await tenant.send('POST', tcaPath('rulesets', {}), { ruleset_name: 'fourth', text })
    assert.deepEqual([quota.status, quota.text], [429, 'This account may have 3 rulesets; delete some first.'])

    await tenant.demand(RulesetAccepted, 'DELETE', tcaPath('ruleset', { name: 'first' }))
    for (const [method, path] of [
      ['DELETE', tcaPath('ruleset', { name: 'first' })],
      ['GET', tcaPath('ruleset', { name: 'first' })],
      ['GET', tcaPath('rulesetText', { name: 'first' })],
      ['GET', tcaPath('retroStatus', { name: 'first' })],
    ] as const) {
      await tenant.refused(404, method, path)
    }
    await tenant.create('first', marked('first, once more'))
  })

  await t.test('what is not there is told in plain text too', async () => {
    const tenant = await Tenant.add(cloud, 'stranger')
    for (const [method, path] of [
      ['GET', '/api/yara/admin/v2/ruleset'],
      ['PUT', '/api/yara/admin/v1/ruleset'],
      ['GET', '/api/feed/malware/v1/query/timestamp/1'],
      ['GET', '/api/spex/download/abc'],
    ] as const) {
      await tenant.refused(404, method, path)
    }
  })

  await t.test('a new sample’s matches come in the live feed, in the shape of the vendor’s', async () => {
    const tenant = await Tenant.add(cloud, 'watcher')
    const start = nowSeconds()
    await tenant.create('marked', marked('the word'))
    await tenant.create('of_none', marked('never there'))
    const content = Buffer.from('here is the word, with something beside it, and the word again')
    await cloud.untilProcessed([await cloud.take(content, 'sample.txt'), await cloud.take(Buffer.from('no'), 'no.txt')])
    const [entry, ...others] = await tenant.feed('live', start)
    assert.deepEqual(others, [])
    assert.ok(entry)
    const { timestamp, ...rest } = entry
    assert.ok(timestamp >= start && timestamp <= nowSeconds())
    const string = (identifier: string, text: string) => ({
      string_identifier: `${btoa(identifier)}\n`,
      match_offset: content.indexOf(text),
      matched_string: `${btoa(text)}\n`,
    })
    assert.deepEqual(rest, {
      sha1: sha1(content),
      file_type: 'Text/None',
      file_size: content.length,
      ruleset_name: 'marked',
      ruleset_sha1: sha1(marked('the word')),
      sample_available: true,
      rule: [
        {
          identifier: 'Marked',
          tag: ['tagged'],
          meta: [{ key: 'author', value: 'somebody' }],
          matched_data: [string('$word', 'the word'), string('$other', 'beside it')],
        },
      ],
    })
    const [extended] = await tenant.feed('live', start, 'extended=true')
    assert.equal(extended?.sha256, createHash('sha256').update(content).digest('hex'))
    assert.match(extended?.first_seen ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)

    const utc = tcaPath('liveFeed', { form: 'utc', start: toPlainTime(start) })
    const { feed } = (await tenant.demand(null, 'GET', utc)).rl
    assert.equal(feed.name, 'YARA Match Continuous Feed')
    assert.match(feed.time_range.from, /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/)
    assert.deepEqual(
      feed.entries.map((each: { sha1: string }) => each.sha1),
      [sha1(content)],
    )

    assert.match(await tenant.refused(400, 'GET', `${utc}?format=xml`), /JSON only/)
    assert.match(await tenant.refused(400, 'GET', tcaPath('liveFeed', { form: 'utc', start: 'now' })), /feed is asked/)
    assert.match(await tenant.refused(400, 'GET', tcaPath('retroFeed', { form: 'days', start: '1' })), /feed is asked/)
    assert.match(await tenant.refused(400, 'GET', tcaPath('liveFeed', { form: 'timestamp', start: '1' })), /365 days/)

    await tenant.demand(RulesetAccepted, 'DELETE', tcaPath('ruleset', { name: 'marked' }))
    assert.deepEqual(await tenant.feed('live', start), [])
  })

  await t.test('a ruleset that wants samples that cannot be downloaded matches none; null wants all', async () => {
    const tenant = await Tenant.add(cloud, 'chooser')
    const start = nowSeconds()
    const text = marked('the wanted word')
    for (const [ruleset_name, sample_available] of [
      ['none', false],
      ['all', null],
      ['available', true],
    ] as const) {
      await tenant.demand(RulesetAccepted, 'POST', tcaPath('rulesets', {}), { ruleset_name, text, sample_available })
    }
    await cloud.untilProcessed([await cloud.take(Buffer.from('the wanted word'), 'sample')])
    const names = (await tenant.feed('live', start)).map(({ ruleset_name }) => ruleset_name)
    assert.deepEqual(names.sort(), ['all', 'available'])
    await tenant.startRetro('none')
    await tenant.retroEnded('none')
    assert.deepEqual(await tenant.feed('retro', start), [])
  })

  await t.test(
    'a retro hunt finds what was there before, also what came again since, says how it does, and can be repeated',
    async () => {
      const tenant = await Tenant.add(cloud, 'hunter')
      const contents = Array.from({ length: 30 }, (_, n) =>
        Buffer.from(`sample ${n} ${n % 3 === 0 ? 'the hunted word' : ''}`),
      )
      await cloud.untilProcessed(await Promise.all(contents.map((content, n) => cloud.take(content, `sample-${n}`))))
      const expected = contents
        .filter((_, n) => n % 3 === 0)
        .map((content) => `hunted ${sha1(content)} Marked`)
        .sort()
      const start = nowSeconds()
      await tenant.create('hunted', marked('the hunted word'))
      // The live feed tells of new samples only.
      for (const content of contents.slice(0, 5)) await cloud.take(content, 'again')
      const none = { start_time: null, finish_time: null, estimated_finish_time: null, progress: null, reason: null }
      const fresh = { ruleset_name: 'hunted', retro_status: 'VALIDATION_SUCCESS', ...none }
      assert.deepEqual(await tenant.retro('hunted'), fresh)
      await tenant.demand(RulesetAccepted, 'POST', tcaPath('enableRetro', {}), { ruleset_name: 'hunted' })
      assert.match(
        await tenant.refused(400, 'POST', tcaPath('cancelRetro', {}), { ruleset_name: 'hunted' }),
        /No retro hunt/,
      )
      await tenant.startRetro('hunted')
      const ended = await tenant.retroEnded('hunted')
      assert.match(ended.start_time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)
      assert.ok((ended.finish_time ?? '') >= (ended.start_time ?? ''))
      assert.deepEqual([ended.progress, ended.reason], [null, null])
      const found = await tenant.feed('retro', start)
      assert.deepEqual(findingsOf(found), expected)
      assert.equal(found[0]?.rule[0]?.matched_data[0]?.matched_string, `${btoa('the hunted word')}\n`)
      assert.deepEqual(await tenant.feed('live', start), [])

      const again = nowSeconds()
      await tenant.startRetro('hunted')
      await tenant.retroEnded('hunted')
      assert.deepEqual(
        findingsOf(await tenant.feed('retro', start)),
        expected,
        'a second hunt’s results stand in place of the first’s',
      )
      assert.ok((await tenant.feed('retro', start)).every(({ timestamp }) => timestamp >= again))
      for (const route of ['enableRetro', 'startRetro', 'cancelRetro'] as const) {
        await tenant.refused(404, 'POST', tcaPath(route, {}), { ruleset_name: 'unknown' })
        await tenant.refused(400, 'POST', tcaPath(route, {}), {})
      }
      await tenant.demand(RulesetAccepted, 'DELETE', tcaPath('ruleset', { name: 'hunted' }))
      assert.deepEqual(await tenant.feed('retro', start), [])
    },
  )

  await t.test(
    'a retro hunt that runs shows its progress, refuses to be started again, and is cancelled or deleted',
    async () => {
      const tenant = await Tenant.add(cloud, 'sleeper')
      const contents = Array.from({ length: 60 }, (_, n) => Buffer.from(`the slow word ${n}`))
      await cloud.untilProcessed(await Promise.all(contents.map((content, n) => cloud.take(content, `sample-${n}`))))
      await tenant.create('slow', slow)
      const start = nowSeconds()
      await tenant.startRetro('slow')
      const refusal = await tenant.refused(400, 'POST', tcaPath('startRetro', {}), { ruleset_name: 'slow' })
      assert.match(refusal, /running already/)
      let status = await tenant.retro('slow')
      await until(
        async () => {
          status = await tenant.retro('slow')
          return (status.progress ?? 0) > 0
        },
        () => 'there is progress',
      )
      assert.equal(status.retro_status, 'RUNNING')
      assert.ok((status.progress ?? 0) <= 1)
      assert.ok((status.estimated_finish_time ?? '') >= (status.start_time ?? ''), JSON.stringify(status))
      await tenant.demand(RulesetAccepted, 'POST', tcaPath('cancelRetro', {}), { ruleset_name: 'slow' })
      const { retro_status, progress } = await tenant.retro('slow')
      assert.deepEqual([retro_status, progress], ['CANCELLED', null])
      const found = await tenant.feed('retro', start)
      assert.ok(
        found.length > 0 && found.length < contents.length,
        `${found.length} were found before it was cancelled`,
      )
      assert.equal((await tenant.feed('retro', start)).length, found.length, 'a cancelled hunt goes on')

      await tenant.startRetro('slow')
      await tenant.demand(RulesetAccepted, 'DELETE', tcaPath('ruleset', { name: 'slow' }))
      await tenant.create('slow', slow)
      assert.equal((await tenant.retro('slow')).retro_status, 'VALIDATION_SUCCESS')
      assert.deepEqual(await tenant.feed('retro', start), [])
    },
  )

  await t.test('more than 300 rules run continuously, and cannot be hunted back with', async () => {
    const tenant = await Tenant.add(cloud, 'collector')
    const rules = (count: number) =>
      Array.from({ length: count }, (_, n) => `rule r${n} { condition: true }`).join('\n')
    await tenant.create('most', rules(300))
    await tenant.demand(RulesetAccepted, 'POST', tcaPath('enableRetro', {}), { ruleset_name: 'most' })
    await tenant.create('too_many', rules(301))
    const refusal = await tenant.refused(400, 'POST', tcaPath('startRetro', {}), { ruleset_name: 'too_many' })
    assert.match(refusal, /301 rules.*300/)
    const { retro_status, reason } = await tenant.retro('too_many')
    assert.deepEqual([retro_status, reason], ['FAILED', refusal])
  })

  await t.test('samples are contributed by those who may, checked, named, and matched', async () => {
    const donor = await Tenant.add(cloud, 'donor', { contributes: true })
    const other = await Tenant.add(cloud, 'rival')
    const start = nowSeconds()
    await other.create('marked', marked('the given word'))
    const samples = async () => (await cloud.call('GET', '/api/overview/')).json.samples
    const before = await samples()
    const content = Buffer.from('a sample with the given word in it')
    const upload = tcaPath('upload', { sha1: sha1(content) })
    assert.match(await other.refused(403, 'POST', upload, content), /not allowed to contribute/)
    assert.match(await donor.refused(400, 'POST', upload, Buffer.from('other bytes')), /another SHA-1/)
    assert.match(await donor.refused(400, 'POST', tcaPath('upload', { sha1: 'abc' }), content), /SHA-1/)
    await donor.refused(413, 'POST', upload, Buffer.alloc(65 * 1024))
    assert.equal(await samples(), before)
    const taken = await donor.demand(null, 'POST', upload, content)
    assert.equal(taken.sha1, sha1(content))
    const meta = (name: string) =>
      `<rl><properties><property><name>file_name</name><value>${name}</value></property></properties><domain></domain></rl>`
    const metaPath = tcaPath('uploadMeta', { sha1: sha1(content) })
    await other.refused(403, 'POST', metaPath, meta('stolen.exe'))
    await donor.demand(null, 'POST', metaPath, meta('R&amp;D/report.exe'))
    await donor.refused(404, 'POST', tcaPath('uploadMeta', { sha1: sha1('nothing') }), meta('x'))
    await cloud.untilProcessed([taken.sha256])
    assert.deepEqual(findingsOf(await other.feed('live', start)), [`marked ${sha1(content)} Marked`])
    const { json } = await cloud.call('GET', `/api/samples/${taken.sha256}/details/`)
    assert.equal(json.sample.name, 'report.exe')
  })

  // The last one: it has all tenants of this machine slowed down.
  await t.test('whoever is no tenant is asked for credentials, in plain text', async () => {
    const tenant = await Tenant.add(cloud, 'guesser')
    const path = cloud.url + tcaPath('rulesets', {})
    const wrong = Buffer.from('guesser:another password').toString('base64')
    for (const authorization of [undefined, 'Token abc', 'Basic', `Basic ${wrong}`, 'Basic OnB3', 'Basic ====']) {
      const answer = await fetch(path, { headers: authorization ? { authorization } : {} })
      assert.equal(answer.status, 401, `${authorization}`)
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic realm="/)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
    }
    for (let guess = 0; guess < 12; guess++) {
      const answer = await fetch(path, { headers: { authorization: `Basic ${btoa(`guesser:guess ${guess}`)}` } })
      if (answer.status !== 429) continue
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      // Whoever is known already goes on.
      return void (await tenant.refused(429, 'GET', tcaPath('rulesets', {})))
    }
    assert.fail('guessing was never slowed down')
  })
})

test('a retro hunt covers neither archives nor large nor old samples, and ends capped with more than it may find', async (t) => {
  const cloud = await startCloud(t, ['--retro-sample-limit', '2KB', '--retro-matches', '4', '--retro-days', '1'])
  const tenant = await Tenant.add(cloud, 'acme')
  const word = 'the word that is looked for'
  const zip = storedZip([{ name: Buffer.from('member.txt'), bytes: Buffer.from(`${word} in an archive`) }])
  const large = Buffer.concat([Buffer.from(word), Buffer.alloc(4096, 'x')])
  const old = Buffer.from(`${word}, long ago`)
  const hashes = [await cloud.take(zip, 'a.zip'), await cloud.take(large, 'large'), await cloud.take(old, 'old')]
  await cloud.untilProcessed(hashes)
  await cloud.stop()
  const day = 86_400_000_000
  change(
    cloud.data,
    `UPDATE samples SET last_seen = last_seen - ${2 * day}, processed_at = processed_at - ${2 * day}
    WHERE hex(sha1) = '${sha1(old).toUpperCase()}'`,
  )
  await cloud.start()
  const start = nowSeconds()
  await tenant.create('covered', marked(word))
  await tenant.startRetro('covered')
  await tenant.retroEnded('covered')
  const member = sha1(`${word} in an archive`)
  assert.deepEqual(findingsOf(await tenant.feed('retro', start)), [`covered ${member} Marked`])

  const more = Array.from({ length: 5 }, (_, n) => Buffer.from(`${word} ${n}`))
  await cloud.untilProcessed(await Promise.all(more.map((content, n) => cloud.take(content, `more-${n}`))))
  await tenant.startRetro('covered')
  await tenant.retroEnded('covered', 'CAPPED')
  assert.equal((await tenant.feed('retro', start)).length, 4)
})

test('entries of feeds carry the beginning of long metadata and of many tags', { timeout: 180_000 }, async (t) => {
  const cloud = await startCloud(t)
  const tenant = await Tenant.add(cloud, 'wordy')
  const tags = Array.from({ length: 500 }, (_, n) => `tag${n}`)
  const long = 'x'.repeat(100_000)
  const meta = Array.from({ length: 300 }, (_, n) => `m${n} = "${n}"`).join(' ')
  await tenant.create('wordy', `rule wordy : ${tags.join(' ')} { meta: first = "${long}" ${meta} condition: true }`)
  const begin = nowSeconds()
  await cloud.untilProcessed([await cloud.take(Buffer.from('matched by a wordy rule'), 'a.txt')])
  let [entry] = await tenant.feed('live', begin)
  await until(
    async () => {
      ;[entry] = await tenant.feed('live', begin)
      return entry !== undefined
    },
    () => 'the entry comes',
  )
  const [rule] = entry?.rule ?? []
  assert.deepEqual(rule?.tag, tags.slice(0, 100))
  assert.deepEqual(rule?.meta?.[0], { key: 'first', value: `${long.slice(0, 2_000)} …` })
  assert.deepEqual(rule?.meta?.[1], { key: 'm0', value: '0' })
  assert.equal(rule?.meta?.length, 100)
})

test('requests about retro hunts are held to a pace, each tenant by itself', async (t) => {
  const cloud = await startCloud(t, ['--tenant-retro-rate', '1'])
  const [tenant, other] = [await Tenant.add(cloud, 'acme'), await Tenant.add(cloud, 'rival')]
  await tenant.create('hunted', marked('a word'))
  const path = tcaPath('retroStatus', { name: 'hunted' })
  const answers = await Promise.all(Array.from({ length: 30 }, () => tenant.send('GET', path)))
  const refused = answers.filter(({ status }) => status === 429)
  assert.ok(refused.length >= 10, `${refused.length} of 30 were refused`)
  assert.equal(refused.length + answers.filter(({ status }) => status === 200).length, 30)
  for (const { text, headers } of refused) {
    assert.match(text, /Too many requests/)
    assert.ok(Number(headers.get('retry-after')) >= 1)
  }
  await other.refused(404, 'GET', path)
  await tenant.demand(Type.Array(RulesetInfo), 'GET', tcaPath('rulesets', {}))
})

test('an endless rule is suspended by itself; its owner is told, and everybody else’s go on', async (t) => {
  const cloud = await startCloud(t, ['--scan-timeout', '1s'])
  const [tenant, other] = [await Tenant.add(cloud, 'acme'), await Tenant.add(cloud, 'rival')]
  const start = nowSeconds()
  const endless = '$a and for all i in (0..9000000000) : ( i >= 0 )'
  await tenant.create('endless', `rule endless { strings: $a = "the word" condition: ${endless} }`)
  await other.create('marked', marked('the word'))
  const contents = Array.from({ length: 4 }, (_, n) => Buffer.from(`the word ${n}`))
  for (const content of contents) await cloud.untilProcessed([await cloud.take(content, 'sample')])
  const info = await tenant.demand(RulesetInfo, 'GET', tcaPath('ruleset', { name: 'endless' }))
  assert.deepEqual([info.valid, info.approved], [true, false])
  assert.match(info.reason, /^Suspended after 3 samples/)
  assert.match(await tenant.refused(400, 'POST', tcaPath('startRetro', {}), { ruleset_name: 'endless' }), /suspended/)
  assert.equal((await tenant.retro('endless')).retro_status, 'FAILED')
  assert.equal((await other.feed('live', start)).length, contents.length)
})
