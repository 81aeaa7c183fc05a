import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, readClientAddress } from '../settings/index.ts'
import type { ApiClient } from './api-client.ts'
import type { Conclude } from './command.ts'
import { credentialsFile, savedLogIn, saveLogIn } from './credentials.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

export function addLogin(program: Command, conclude: Conclude): void {
  const login = program
    .command('login')
    .description(
      'Log in at a server with a browser: it may be on another machine. Commands with the same --server use that log-in.',
    )
    .option('--days <number>', 'It ends after so many days, 365 at most.', '30')
    .option(
      '--scope <names>',
      'What it is for: operations of the API with commas between them; `read` are all that only read.',
    )
    .option('--name <text>', 'What the page calls this program: the name of this machine unless given.')
  addSettings(login, ['server']).action(conclude(logIn))

  const logout = program
    .command('logout')
    .description('End the log-in at a server: its token is revoked there and removed here.')
  addSettings(logout, ['server']).action(conclude(logOut))
}

interface LogInFlags extends Flags {
  readonly days: string
  readonly scope?: string
  readonly name?: string
}

interface Codes {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

interface Granted {
  readonly access_token: string
  readonly expires_in: number
  readonly user: string
}

async function logIn({ days, scope, name, ...flags }: LogInFlags): Promise<ExitCode> {
  const server = readClientAddress(flags, process.env)
  if (!/^[1-9]\d{0,2}$/.test(days) || Number(days) > 365)
    throw new Failure('settings.invalid', `--days must be a whole number from 1 to 365, not "${days}".`)
  // A file that cannot be used is found out before anybody has approved anything.
  savedLogIn(server)
  const { ApiClient } = await import('./api-client.ts')
  const api = new ApiClient({ server, token: '' })
  const { signal, end } = listenForInterruption(() => process.exit(exitCodes.interrupted))
  try {
    const codes = await api.request<Codes>('/api/device/', {
      method: 'POST',
      json: {
        client_id: (name ?? hostname()).replace(/[^ -~]/g, '?').slice(0, 60) || 'a program',
        days: Number(days),
        ...(scope !== undefined && { scope: scope.split(',').join(' ') }),
      },
      signal,
    })
    process.stderr.write(
      `Open ${addressOf(codes.verification_uri)} in a browser and enter the code ${codeOf(codes.user_code)}\n` +
        `or open ${addressOf(codes.verification_uri_complete)}\n`,
    )
    const granted = await granting(api, codes, signal)
    const expires = new Date(Date.now() + granted.expires_in * 1_000).toISOString()
    saveLogIn(server, { token: granted.access_token, user: granted.user, expires })
    process.stderr.write(`Logged in as ${granted.user} until ${expires}; the token is in ${credentialsFile()}\n`)
    return exitCodes.done
  } finally {
    end()
  }
}

/** Asks until somebody has decided. A server that is away for a moment is asked again. */
async function granting(api: ApiClient, codes: Codes, signal: AbortSignal): Promise<Granted> {
  const last = performance.now() + codes.expires_in * 1_000
  const json = { grant_type: GRANT, device_code: codes.device_code }
  for (let { interval } = codes; performance.now() < last; ) {
    await pause(interval * 1_000, undefined, { signal })
    try {
      return await api.request<Granted>('/api/device/token/', { method: 'POST', json, signal })
    } catch (error) {
      const code = error instanceof Failure ? error.code : null
      if (code === 'slow_down') interval += 5
      else if (code !== 'authorization_pending' && code !== 'server.unreachable') throw error
    }
  }
  throw new Failure('expired_token')
}

async function logOut(flags: Flags): Promise<ExitCode> {
  const server = readClientAddress(flags, process.env)
  const saved = savedLogIn(server)
  if (saved !== null) {
    const { ApiClient } = await import('./api-client.ts')
    const json = { token: saved.token }
    await new ApiClient({ server, token: '' }).request('/api/device/revocation/', { method: 'POST', json })
  }
  saveLogIn(server, null)
  process.stderr.write(saved === null ? `There was no log-in at ${server}\n` : `Logged out at ${server}\n`)
  return exitCodes.done
}

/** What a server sends is printed on a terminal, which takes more than text. */
function addressOf(text: unknown): string {
  const url = URL.parse(String(text))
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Failure('server.refused', 'The server gave no address to open. Is this a Backtrail server?')
  return url.href
}

function codeOf(text: unknown): string {
  if (typeof text === 'string' && /^[A-Z0-9-]{1,40}$/.test(text)) return text
  throw new Failure('server.refused', 'The server gave no code to enter. Is this a Backtrail server?')
}
