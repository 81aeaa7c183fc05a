import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Command } from 'commander'
import type { FirstAdministrator } from '../accounts/index.ts'
import { Failure, messageOf } from '../errors/index.ts'
import { type Flags, readSettings, type Settings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings, serverSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { keepLargePages } from './large-pages.ts'
import { explainListening, formatAddress } from './listening.ts'
import { entryOf, firstTurn, waitForTurn } from './standing-by.ts'
import { limitStopping } from './stop-limit.ts'

export function addServe(program: Command, conclude: Conclude): void {
  const command = program
    .command('serve')
    .description('Run the server until it is asked to stop (SIGTERM, Ctrl-C).')
    .addHelpText(
      'after',
      `
The first start makes the user "admin" and prints a password and an API token, once. BACKTRAIL_ADMIN_TOKEN in the
environment chooses that token, which is then not printed. Events are logged to the standard error output.
Asked to stop, the server refuses new requests, lets those under way end, and exits with 0; asked again, it ends at once.
Two seconds after the grace (--shutdown-grace) it ends whatever still runs; nothing that was acknowledged is lost.`,
    )
  addSettings(command, serverSettings).action(conclude(serve))
}

async function serve(flags: Flags): Promise<ExitCode> {
  const settings = readSettings(flags, process.env)
  demandUsableTls(settings)
  // A signal during the start waits until there is something to close.
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  interruption.signal.addEventListener('abort', () => limitStopping(settings.shutdownGrace), { once: true })
  const { openLog } = await import('./log.ts')
  const log = openLog(settings)
  const { openAppliance } = await import('../appliance/index.ts')
  const turn = settings.database === '' ? firstTurn(settings, log) : await waitForTurn(settings, log, interruption)
  if (turn === null) {
    interruption.end()
    log.info({}, 'stopped')
    return exitCodes.done
  }
  const appliance = await openAppliance(settings, { log, ...turn.begin }).catch(async (error: unknown) => {
    // Else it would listen on, and work neither for itself nor for others.
    await turn.close()
    throw error
  })
  try {
    // The port first, so that secrets that are shown once are not lost to a port in use; requests that come before the
    // administrator is there wait for that.
    const ready = Promise.withResolvers<void>()
    ready.promise.catch(() => {})
    const server = await turn.build(appliance, ready.promise)
    try {
      const listening = await turn.listen(async (port) => {
        await server.listen({ host: settings.host, port }).catch(explainListening(settings))
        return server.server.address() as AddressInfo
      })
      const address = formatAddress(settings, listening)
      await appliance
        .announce(address, entryOf(settings, listening))
        .catch((error) => log.warn({ err: error }, 'the address could not be announced'))
      const { adminToken } = settings
      const first = await appliance.room.lend(() =>
        appliance.accounts.ensureFirstAdministrator(adminToken === '' ? {} : { token: adminToken }),
      )
      ready.resolve()
      process.stdout.write(
        `Backtrail is ready at ${address}\n${first ? formatFirstAdministrator(first, adminToken !== '') : ''}`,
      )
      await appliance.cloud.start()
      appliance.publishing.start()
      appliance.ruleSources.start()
      appliance.notifications.start()
      appliance.retention.start()
      keepLargePages()
      const signal = await Promise.race([interruption.asked, appliance.lost.catch(endingSoon(settings))])
      log.info({ signal }, 'stopping')
    } finally {
      ready.reject(new Failure('service.stopping'))
      await appliance.leave()
      await server.close()
      await turn.close()
    }
  } finally {
    await appliance.close()
    interruption.end()
  }
  log.info({}, 'stopped')
  return exitCodes.done
}

/** Others have got what this server works on: it must not hang for what it cannot reach any more. */
function endingSoon({ shutdownGrace }: Settings): (error: unknown) => never {
  return (error) => {
    limitStopping(shutdownGrace)
    throw error
  }
}

/** A token that was given is known already, and this output often ends in a log. */
function formatFirstAdministrator(first: FirstAdministrator, isTokenGiven: boolean): string {
  return `
The first administrator was made. These secrets are shown this once:
  user       ${first.name}
  password   ${first.password}
  API token  ${isTokenGiven ? 'the one in BACKTRAIL_ADMIN_TOKEN' : first.token}
`
}

/** So that a wrong file is told before the data folder is opened. */
function demandUsableTls({ tlsKey, tlsCert }: Settings): void {
  if (tlsKey === '') return
  const [key, cert] = [tlsKey, tlsCert].map((file) => {
    try {
      return readFileSync(file)
    } catch {
      throw new Failure('settings.invalid', `The file ${file} for HTTPS cannot be read.`)
    }
  })
  try {
    createSecureContext({ key, cert })
  } catch (error) {
    const reason = messageOf(error)
    throw new Failure(
      'settings.invalid',
      `The key ${tlsKey} and the certificate ${tlsCert} for HTTPS do not work: ${reason}. Both are PEM files, and the certificate is that key's.`,
    )
  }
}
