import { readFile } from 'node:fs/promises'
import { Failure, messageOf } from '../../errors/index.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration: Date
}

/** A file that is exchanged counts after so long. */
const READ_AGAIN_MS = 60_000

/**
 * Credentials out of a file in the format of `~/.aws/credentials`: of its profile `default`, else of the first. It is read
 * again now and then, so that whoever exchanges keys has to start nothing anew. Throws `storage.unusable`.
 */
export function credentialsOf(file: string): () => Promise<Credentials> {
  return async () => {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new Failure('storage.unusable', `The file ${file} with credentials cannot be read: ${messageOf(error)}.`)
    })
    const profiles = readProfiles(text)
    const found = profiles.get('default') ?? profiles.values().next().value
    const [id, secret] = [found?.get('aws_access_key_id'), found?.get('aws_secret_access_key')]
    if (!id || !secret) {
      throw new Failure(
        'storage.unusable',
        `The file ${file} must have the lines aws_access_key_id = … and aws_secret_access_key = …, as ~/.aws/credentials has.`,
      )
    }
    const token = found?.get('aws_session_token')
    const expiration = new Date(Date.now() + READ_AGAIN_MS)
    return { accessKeyId: id, secretAccessKey: secret, ...(token && { sessionToken: token }), expiration }
  }
}

/** `[profile]`, and lines `name = value`; lines before the first profile are of `default`. */
function readProfiles(text: string): Map<string, Map<string, string>> {
  const profiles = new Map<string, Map<string, string>>()
  let name = 'default'
  for (const line of text.split(/\r?\n/)) {
    const [, section] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? []
    if (section !== undefined) name = section
    const [, key, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (key === undefined || value === undefined) continue
    const profile = profiles.get(name) ?? new Map<string, string>()
    profile.set(key.toLowerCase(), value)
    profiles.set(name, profile)
  }
  return profiles
}
