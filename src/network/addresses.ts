/** Which hosts and addresses may be connected to. */
import { isIP } from 'node:net'
import { inNetworks } from '../settings/index.ts'

/** Networks of IPv4 that are not part of the public internet (https://www.iana.org/assignments/iana-ipv4-special-registry). */
const special4 = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`.split(/\s+/)

/** The only part of IPv6 with public addresses, and what is special in it: some of it leads to addresses of IPv4. */
const public6 = ['2000::/3']
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const notPublic4 = inNetworks(special4)
const maybePublic6 = inNetworks(public6)
const notPublic6 = inNetworks(special6)

export function isPublicAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return isPublicAddress(mapped)
  if (isIP(address) === 4) return !notPublic4(address)
  return isIP(address) === 6 && maybePublic6(address) && !notPublic6(address)
}

/** Whether a name of a host fits one of the patterns: the name itself, `*.` and a domain, or `*`. */
export function isHostAllowed(host: string, patterns: readonly string[]): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return patterns.some((given) => {
    const pattern = given.toLowerCase()
    if (pattern === '*') return true
    return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
  })
}
