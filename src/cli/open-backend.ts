import { existsSync } from 'node:fs'
import { Failure } from '../errors/index.ts'
import { type ClientSettings, type Flags, readClientSettings, readSettings } from '../settings/index.ts'
import type { Backend } from './backend.ts'
import { savedLogIn } from './credentials.ts'

/** The server to work through, with the token that was given, or that of `backtrail login`. */
export function clientSettings(flags: Flags): ClientSettings {
  return readClientSettings(flags, process.env, (server) => savedLogIn(server)?.token ?? null)
}

/**
 * The place that flags and environment name: a server when there is an address, else the data folder. Commands that only
 * read (`isReading`) refuse a folder that does not exist, since its path is more likely wrong than new.
 */
export async function openBackend(flags: Flags, { isReading }: { readonly isReading: boolean }): Promise<Backend> {
  const { server, token } = clientSettings(flags)
  if (server !== '') {
    const { RemoteBackend } = await import('./remote-backend.ts')
    return new RemoteBackend({ server, token })
  }
  const settings = readSettings(flags, process.env)
  if (isReading && settings.database === '' && !existsSync(settings.data)) {
    throw new Failure(
      'settings.invalid',
      `There is no data folder ${settings.data}; name one with --data, or a server with --server.`,
    )
  }
  const { openDataFolder } = await import('./local-backend.ts')
  return openDataFolder(settings)
}
