/** A server of a cluster while another one works: it passes requests on, until it has the database. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { FastifyBaseLogger } from 'fastify'
import type { Begun } from '../appliance/index.ts'
import type { ApplianceServices, BuiltAhead, ForwardTarget, HttpServer } from '../http/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Interruption } from './interruption.ts'
import { explainListening, formatAddress, isEverywhere, urlOf } from './listening.ts'

/** What a server that begins to work takes over from the one that stood by. */
export interface Turn {
  /** With the database; nothing for a data folder. */
  readonly begin: { readonly begun?: Begun }
  /** As `buildHttpServer` does, where that was not done while this server stood by. */
  build(services: ApplianceServices, ready: Promise<void>): Promise<HttpServer>
  /**
   * Frees the port, if this process listens already, and has the next server listen there. Requests that wait are passed on
   * to that one.
   */
  listen(next: (port: number) => Promise<AddressInfo>): Promise<AddressInfo>
  /** Resolves when what was received before that is answered, or the grace is over. */
  close(): Promise<void>
}

/** The turn of a first server: there is nothing to take over. */
export function firstTurn(settings: Settings, log: FastifyBaseLogger, begin: Turn['begin'] = {}): Turn {
  return {
    begin,
    async build(services, ready) {
      const { buildHttpServer } = await import('../http/index.ts')
      return buildHttpServer(services, settings, log, { ready })
    },
    listen: (next) => next(settings.port),
    async close() {},
  }
}

/** Resolves when this server is to work; with null where it was asked to stop before that. */
export async function waitForTurn(
  settings: Settings,
  log: FastifyBaseLogger,
  interruption: Interruption,
): Promise<Turn | null> {
  const { standBy } = await import('../appliance/index.ts')
  const standby = await standBy(settings, log)
  if (!('turn' in standby)) return firstTurn(settings, log, { begun: standby })
  // Loaded here, so that taking over need not wait for it.
  const { StandingByServer, buildAhead, buildHttpServer } = await import('../http/index.ts')
  let target = (): ForwardTarget | null => standby.active
  const front = new StandingByServer({
    settings,
    log,
    target: () => target(),
    isConnected: () => standby.isConnected,
  })
  let ahead: Promise<BuiltAhead | null> = Promise.resolve(null)
  const close = async (graceMs: number) => {
    await front.close(graceMs)
    await (await ahead)?.close()
  }
  try {
    await front.listen(settings.host, settings.port).catch(explainListening(settings))
    const listening = front.server.address() as AddressInfo
    await standby.announce(entryOf(settings, listening))
    process.stdout.write(`Backtrail stands by at ${formatAddress(settings, listening)}\n`)
    log.info({}, 'another server works on the database; this one stands by, and passes requests on')
    // Where it fails, it does so again when it is wanted.
    if (settings.workers > 0) ahead = buildAhead(settings, log).catch(() => null)
    const begun = await Promise.race([standby.turn, interruption.asked.then(() => null)])
    if (begun === null) {
      // Got at the same moment, it is for others.
      void standby.turn.then((late) => late.release())
      await close(settings.shutdownGrace)
      await standby.close()
      return null
    }
    log.info({}, 'the database is free: this server takes over')
    // Nobody works until this one does.
    target = () => null
    return {
      begin: { begun },
      async build(services, ready) {
        const built = await ahead
        // Closed by whoever gets it.
        ahead = Promise.resolve(null)
        return built === null ? buildHttpServer(services, settings, log, { ready }) : built.over(services, ready)
      },
      async listen(next) {
        front.freePort()
        const address = await next(listening.port)
        const own = { url: localUrl(settings, address), certificate: certificateOf(settings), term: begun.lock.term }
        target = () => own
        return address
      },
      close: () => close(settings.shutdownGrace),
    }
  } catch (error) {
    await close(0)
    await standby.close()
    throw error
  }
}

/** How the others find this server, in the list that is in the database. */
export function entryOf(settings: Settings, listening: AddressInfo): { url: string; certificate: string } {
  const host = isEverywhere(listening) ? (ownAddress() ?? 'localhost') : listening.address
  return {
    url: settings.clusterUrl || urlOf(settings, host, listening.port),
    certificate: certificateOf(settings),
  }
}

function localUrl(settings: Settings, listening: AddressInfo): string {
  return urlOf(settings, isEverywhere(listening) ? '127.0.0.1' : listening.address, listening.port)
}

const certificateOf = ({ tlsCert }: Settings) => (tlsCert === '' ? '' : readFileSync(tlsCert, 'utf8'))

/** The first that other machines may reach; null where there is none. */
function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  const outward = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
  return (outward.find(({ family }) => family === 'IPv4') ?? outward[0])?.address ?? null
}
