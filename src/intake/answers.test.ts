/** What nodes answer about samples is believed where it is an answer, and in no other case. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { asManyFacts } from '../../test/programs/built-programs.ts'
import { noProgram, sign } from '../index/index.ts'
import type { JobOutput, SampleToExamine } from '../jobs/index.ts'
import { readProgram } from '../programs/index.ts'
import { readAnswer } from './answers.ts'

type Found = NonNullable<JobOutput<'examine'>['found'][number]>

const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest()

function sampleOf(bytes: Uint8Array, more: Partial<SampleToExamine> = {}): SampleToExamine {
  const [sha256, sha1, md5, sha512] = ['sha256', 'sha1', 'md5', 'sha512'].map((name) => digest(name, bytes))
  return {
    digests: { size: bytes.length, sha256, sha1, md5, sha512 } as SampleToExamine['digests'],
    variables: { filename: '', filepath: '', extension: '', owner: '' },
    ...{ without: [], scan: true },
    ...more,
  }
}

const bytes = Buffer.from('a sample')
const sample = sampleOf(bytes)
const string = { identifier: '$a', offset: 0, length: 1, context: new Uint8Array(33), contextStart: 16 }
const hit = { ruleset: 'r1', rule: 'a', tags: ['t'], meta: { level: 1, text: 'x', is: true }, strings: [string] }
const error = { ruleset: 'r1', reason: 'timeout', message: 'It took too long.' } as const
const sound: Found = {
  identification: { fileType: 'Text/None', description: 'Text.', isArchive: false },
  signature: sign(bytes, sample.digests, noProgram),
  program: null,
  hits: [hit, { ...hit, strings: [], name: 'called' }],
  errors: [error],
}

const read = (found: unknown, of = sample) =>
  readAnswer({ found: [found] } as unknown as JobOutput<'examine'>, [of], new Set(['r1', 'r2']))

test('an answer is taken as it is, with all that programs are made of', async () => {
  assert.deepEqual(await read(sound), [sound])
  assert.deepEqual(await read(null), [null])
  for (const program of Object.values(asManyFacts())) {
    const of = sampleOf(program)
    const facts = readProgram(program)
    assert.ok(facts)
    const found = { ...sound, program: facts, signature: sign(program, of.digests, noProgram) }
    assert.deepEqual(await read(found, of), [found])
  }
})

test('what cannot be an answer to what was asked is none', async () => {
  const other = sampleOf(Buffer.from('another one'))
  const damaged = Buffer.from(sound.signature)
  damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1
  const cases: Readonly<Record<string, unknown>> = {
    'no object': 7,
    'nothing in it': {},
    'no signature': { ...sound, signature: null },
    'a damaged signature': { ...sound, signature: damaged },
    'the signature of another sample': {
      ...sound,
      signature: sign(Buffer.from('another one'), other.digests, noProgram),
    },
    'a ruleset that was not asked': { ...sound, hits: [{ ...hit, ruleset: 'r9' }] },
    'an error of such a one': { ...sound, errors: [{ ...error, ruleset: 'r9' }] },
    'a reason that there is not': { ...sound, errors: [{ ...error, reason: 'hunger' }] },
    'a rule that is no text': { ...sound, hits: [{ ...hit, rule: 7 }] },
    'a value that no rule has': { ...sound, hits: [{ ...hit, meta: { deep: {} } }] },
    'a context of megabytes': { ...sound, hits: [{ ...hit, strings: [{ ...string, context: new Uint8Array(1e6) }] }] },
    'a context that is text': { ...sound, hits: [{ ...hit, strings: [{ ...string, context: 'text' }] }] },
    'a type without end': { ...sound, identification: { ...sound.identification, fileType: 'x'.repeat(1e6) } },
    'more than was asked': { ...sound, more: 1 },
    'no facts': { ...sound, program: { format: 'PE32' } },
  }
  for (const [what, found] of Object.entries(cases)) assert.equal(await read(found), null, what)
  assert.equal(await read(sound, { ...sample, without: ['r1'] }), null, 'a ruleset that was left out')
  assert.equal(await read(sound, { ...sample, scan: false }), null, 'one that is not to be scanned')
})

test('an answer for more or fewer samples than were asked is none, and one for each is needed', async () => {
  const answer = { found: [sound, null] }
  assert.equal(await readAnswer(answer, [sample], new Set(['r1'])), null)
  assert.deepEqual(await readAnswer(answer, [sample, sample], new Set(['r1'])), answer.found)
  for (const broken of [null, {}, { found: 7 }, { found: { length: 1 } }])
    assert.equal(await readAnswer(broken as never, [sample], new Set(['r1'])), null)
})
