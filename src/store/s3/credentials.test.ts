import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { credentialsOf } from './credentials.ts'

async function fileWith(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-keys-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'keys'), text)
  return join(folder, 'keys')
}

const profile = (id: string) => `aws_access_key_id = ${id}\n aws_secret_access_key=secret/${id}+=\n`

const files: Readonly<Record<string, { readonly text: string; readonly id: string; readonly token?: string }>> = {
  'a profile named default': { text: `[other]\n${profile('o')}[default]\n${profile('d')}`, id: 'd' },
  'the first of others': { text: `# keys\n\n[ backtrail ]\r\n${profile('b')}[other]\n${profile('o')}`, id: 'b' },
  'lines without a profile': { text: profile('p'), id: 'p' },
  'a token of a session': { text: `[default]\n${profile('s')}aws_session_token = t\n`, id: 's', token: 't' },
}

for (const [what, { text, id, token }] of Object.entries(files)) {
  test(`keys are read from ${what}`, async (t) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await credentialsOf(await fileWith(t, text))()
    assert.deepEqual([accessKeyId, secretAccessKey, sessionToken], [id, `secret/${id}+=`, token])
  })
}

test('keys that were exchanged count after a while, and a file without keys is refused', async (t) => {
  const file = await fileWith(t, profile('before'))
  const read = credentialsOf(file)
  const { expiration } = await read()
  assert.ok(expiration.getTime() > Date.now())
  await writeFile(file, profile('after'))
  assert.equal((await read()).accessKeyId, 'after')
  await writeFile(file, '[default]\naws_access_key_id = only\n')
  await assert.rejects(read(), { code: 'storage.unusable', message: /aws_secret_access_key/ })
  await rm(file)
  await assert.rejects(read(), { code: 'storage.unusable', message: /cannot be read/ })
})
