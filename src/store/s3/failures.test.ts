import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../errors/index.ts'
import { asFailure } from './failures.ts'

const errorOf = (code: string) => Object.assign(new Error(code), { code })

test('what goes wrong with the connection says that the store is not available, and what goes wrong with the disk does not', () => {
  for (const code of [
    'ECONNRESET',
    'EPROTO',
    'ENETDOWN',
    'EAI_FAIL',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'HPE_INVALID_CONSTANT',
  ]) {
    const failure = asFailure(errorOf(code), 'reading')
    assert.ok(failure instanceof Failure && failure.code === 'storage.unavailable', code)
  }
  for (const code of ['EIO', 'EACCES', 'EMFILE', 'ERR_INVALID_ARG_TYPE']) {
    const error = errorOf(code)
    assert.equal(asFailure(error, 'reading'), error)
  }
})
