import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, verifyPassword } from './password.ts'

test('a password is known again by its hash, and no other is', async () => {
  const hash = await hashPassword('correct horse')
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await verifyPassword('correct horse', hash), true)
  assert.equal(await verifyPassword('correct horsf', hash), false)
  assert.equal(await verifyPassword('', hash), false)
})

test('the same password has another hash each time', async () => {
  assert.notEqual(await hashPassword('twice'), await hashPassword('twice'))
})

test('a hash with other parameters, made by another program, is verified by its own parameters', async () => {
  // What the reference implementation makes of: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await verifyPassword('password', reference), true)
  assert.equal(await verifyPassword('passwore', reference), false)
})

test('what is no Argon2id hash fits no password', async () => {
  for (const hash of ['', 'password', '$2b$10$abcdefghijklmnopqrstuv', '$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA']) {
    assert.equal(await verifyPassword('password', hash), false)
  }
})
