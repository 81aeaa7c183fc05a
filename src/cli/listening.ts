import type { AddressInfo } from 'node:net'
import { Failure } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'

/** The address to open in a browser on this machine. */
export function formatAddress(settings: Settings, listening: AddressInfo): string {
  const { address, port, family } = listening
  const host = isEverywhere(listening) ? 'localhost' : family === 'IPv6' ? address : settings.host
  return urlOf(settings, host, port)
}

/** The same by a host's name or number. */
export function urlOf({ tlsKey }: Settings, host: string, port: number): string {
  return `${tlsKey === '' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether it listens on all addresses of the machine. */
export function isEverywhere({ address }: AddressInfo): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** A port that cannot be had, in words. */
export function explainListening({ host, port }: Settings): (error: NodeJS.ErrnoException) => never {
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is in use by another program; choose another with --port, or 0 for a free one.`,
    EACCES: `Port ${port} on ${host} needs more rights than this user has; choose a port from 1024 with --port.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine; choose another with --host.`,
    ENOTFOUND: `There is no host named ${host}; choose another with --host.`,
  }
  return (error) => {
    const message = messages[error.code ?? '']
    throw message === undefined ? error : new Failure('settings.invalid', message)
  }
}
