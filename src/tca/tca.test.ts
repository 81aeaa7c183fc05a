import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import {
  Feed,
  firstSecondOf,
  fromMailTime,
  fromPlainTime,
  RetroStatus,
  tcaPath,
  toBase64,
  toMailTime,
  toPlainTime,
} from './index.ts'

test('a path has its parameters filled in and escaped', () => {
  assert.equal(tcaPath('ruleset', { name: 'a b/ä' }), '/api/yara/admin/v1/ruleset/a%20b%2F%C3%A4')
  assert.equal(
    tcaPath('liveFeed', { form: 'timestamp', start: '1686063146' }),
    '/api/feed/yara/v1/query/timestamp/1686063146',
  )
  assert.equal(tcaPath('rulesets', {}), '/api/yara/admin/v1/ruleset')
})

test('base64 ends with a newline, and is broken into lines', () => {
  assert.equal(toBase64(Buffer.from('$a')), 'JGE=\n')
  const long = Buffer.alloc(100, 0xe9)
  assert.deepEqual(
    toBase64(long)
      .split('\n')
      .map((line) => line.length),
    [76, 60, 0],
  )
  assert.deepEqual(Buffer.from(toBase64(long), 'base64'), long)
  assert.equal(toBase64(new Uint8Array()), '')
})

test('plain times are written without a zone and read back', () => {
  assert.equal(toPlainTime(1684409435), '2023-05-18T11:30:35')
  assert.equal(fromPlainTime('2023-05-18T11:30:35'), 1684409435)
  for (const wrong of [
    '2023-02-30T00:00:00',
    '2023-05-18T25:00:00',
    '2023-05-18 11:30:35',
    '2023-05-18T11:30:35Z',
    '',
  ]) {
    assert.equal(fromPlainTime(wrong), null, wrong)
  }
})

test('mail times are written in UTC and read back', () => {
  assert.equal(toMailTime(1684409435), 'Thu, 18 May 2023 11:30:35 +0000')
  assert.equal(fromMailTime('Thu, 18 May 2023 11:30:35 +0000'), 1684409435)
  assert.equal(fromMailTime('yesterday'), null)
})

test('a feed is asked for by Unix seconds or by a UTC time', () => {
  assert.equal(firstSecondOf('timestamp', '1684409435'), 1684409435)
  assert.equal(firstSecondOf('utc', '2023-05-18T11:30:35'), 1684409435)
  assert.equal(firstSecondOf('timestamp', '-1'), null)
  assert.equal(firstSecondOf('timestamp', '1e9'), null)
  assert.equal(firstSecondOf('utc', '1684409435'), null)
  assert.equal(firstSecondOf('local', '1684409435'), null)
})

test('the shapes take what a cloud was seen to answer', () => {
  const entry = {
    sha1: 'd4f23d30f2c0ee24d3a1ba7d9e1e0f2a2a9a0b6c',
    file_type: 'PE+/.Net Exe',
    file_size: 9216,
    timestamp: 1686063146,
    ruleset_name: 'some_rules',
    ruleset_sha1: '0123456789012345678901234567890123456789',
    sample_available: true,
    rule: [
      {
        identifier: 'some_rule',
        tag: [],
        meta: [],
        matched_data: [{ string_identifier: 'JGE=\n', match_offset: 78, matched_string: 'VGhpcw==\n' }],
      },
    ],
  }
  const feed = {
    rl: {
      feed: {
        name: 'YARA Match Continuous Feed',
        last_timestamp: 1686063146,
        time_range: { from: 'Tue, 06 Jun 2023 14:52:26 +0000', to: 'Tue, 06 Jun 2023 14:52:26 +0000' },
        entries: [entry],
      },
    },
  }
  assert.ok(Value.Check(Feed, feed))
  const status = {
    ruleset_name: 'some_rules',
    retro_status: 'VALIDATION_SUCCESS',
    start_time: null,
    finish_time: null,
    estimated_finish_time: null,
    progress: null,
    reason: null,
  }
  assert.ok(Value.Check(RetroStatus, status))
  assert.ok(!Value.Check(RetroStatus, { ...status, retro_status: 'IDLE' }))
})
