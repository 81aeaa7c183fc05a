import { createHash } from 'node:crypto'

interface State {
  readonly name: string
  readonly digest: string
  readonly enabled: boolean
}

/** SHA-256 of a set of rulesets: equal where two appliances have the same names, texts and switches, in any order. */
export function setDigest(rulesets: Iterable<State>): string {
  const lines = Array.from(rulesets, ({ name, digest, enabled }) => `${name}\0${digest}\0${enabled ? 1 : 0}\n`).sort()
  const hash = createHash('sha256')
  for (const line of lines) hash.update(line)
  return hash.digest('hex')
}

/** What a log was up to an entry, as SHA-256: the chain of the entry before it, empty for the first, and the entry. */
export function chainOf(
  before: string,
  entry: {
    readonly sequence: number
    readonly name: string
    readonly version: number
    readonly digest: string | null
    readonly enabled: boolean
    readonly author: string
    readonly appliance: string
    readonly change: string
    readonly time: number
  },
): string {
  const { sequence, name, version, digest, enabled, author, appliance, change, time } = entry
  const row = JSON.stringify([before, sequence, name, version, digest, enabled, author, appliance, change, time])
  return createHash('sha256').update(row).digest('hex')
}
