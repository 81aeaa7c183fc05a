import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import { FollowRequest, PublishRequest, SnapshotRequest } from '../../manager-protocol/index.ts'
import { addValidation } from '../validation.ts'

/** As the server compiles schemas: it reads forms too, so it makes what it takes for a text into a text. */
function compiler(): FastifySchemaCompiler<unknown> {
  let compile: FastifySchemaCompiler<unknown> | null = null
  const app = {
    setValidatorCompiler(given: FastifySchemaCompiler<unknown>) {
      compile = given
    },
  }
  addValidation(app as unknown as FastifyInstance)
  assert.ok(compile)
  return compile
}

const nonce = '0'.repeat(32)
const report = {
  ...{ sequence: 0, digest: 'd', rulesets: 0, waiting: 0, engine: '', version: 'v', problem: '' },
  ...{ out_of_sync: [], invalid: [{ name: 'a', reason: 'b' }] },
}
const change = {
  ...{ nonce, change: '0f0e0d0c-0000-4000-8000-000000000000', name: 'abc', replaces: 0, known: 0, chain: '' },
  author: 'anna',
}

test('what appliances ask arrives at the manager as it was sent, a deletion and an empty problem included', () => {
  const compile = compiler()
  for (const [schema, value] of [
    [FollowRequest, { nonce, after: 0, chain: '', wait: 50, report }],
    [SnapshotRequest, { nonce, after_name: '' }],
    [PublishRequest, { ...change, enabled: false, deleted: true, text: '' }],
    [PublishRequest, { ...change, enabled: true, deleted: false, text: 'rule a { condition: true }' }],
  ] as const) {
    const check = compile({ schema, method: 'POST', url: '/' })
    const given = structuredClone(value)
    assert.deepEqual(check(given), { value })
  }
})
