/** Finds out, step by step, whether an appliance could work with a cloud, and says what to do where it could not. */
import { Failure } from '../errors/index.ts'
import { limits } from '../tca/index.ts'
import type { CloudAccess } from './access.ts'
import { CloudClient, RETRO_TRIES } from './client.ts'

export interface CheckedPoint {
  readonly point: string
  /** `odd`: works, but needs attention. */
  readonly verdict: 'good' | 'odd' | 'bad'
  readonly told: string
}

/** No appliance has it, since it is no name that rulesets of this program can get by accident. */
const NO_RULESET = 'backtrail_check_that_is_never_saved'
/** Seconds by which clocks differ before somebody should know. */
const SKEW = 120

const entitlement = 'ask the operator of the cloud to enable it for this account'

/** Ends after the first point without which the others cannot work. */
export async function* checkCloud(access: CloudAccess): AsyncGenerator<CheckedPoint> {
  const client = new CloudClient(access)
  try {
    const began = performance.now()
    const rulesets = await attempt(() => client.count())
    const ms = Math.round(performance.now() - began)
    const failure = rulesets instanceof Failure ? rulesets : null
    if (failure?.code === 'cloud.unreachable') {
      yield { point: 'address', verdict: 'bad', told: `${failure.message} ${whatToDo(failure, access)}` }
      return
    }
    yield { point: 'address', verdict: 'good', told: `${access.url} answers in ${ms} ms` }
    yield encryption(access)
    if (failure?.code === 'cloud.credentials') {
      yield { point: 'credentials', verdict: 'bad', told: `${failure.message} Check --cloud-user and the password.` }
      return
    }
    yield { point: 'credentials', verdict: 'good', told: `the user ${access.user} is known` }
    yield failure
      ? { point: 'rulesets (TCA-0303)', verdict: 'bad', told: explain(failure) }
      : { point: 'rulesets (TCA-0303)', verdict: 'good', told: `${rulesets} in this account` }
    yield await point('hunts (TCA-0319)', async () => {
      await client.retroStatus(NO_RULESET, undefined, RETRO_TRIES)
      return 'may be asked for'
    })
    for (const kind of ['live', 'retro'] as const) {
      yield await point(`${kind} feed`, async () => {
        const { entries } = await client.feed(kind, (client.clock ?? Math.floor(Date.now() / 1000)) - 1)
        return `is readable; ${entries.length} entries in the last second`
      })
    }
    yield clocks(client)
    yield {
      point: 'limits',
      verdict: 'good',
      told: `rulesets of up to ${limits.textBytes / 1024} KB and ${limits.retroRules} rules are sent`,
    }
  } finally {
    client.close()
  }
}

async function point(point: string, work: () => Promise<string>): Promise<CheckedPoint> {
  const outcome = await attempt(work)
  return outcome instanceof Failure
    ? { point, verdict: 'bad', told: explain(outcome) }
    : { point, verdict: 'good', told: String(outcome) }
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

function explain(failure: Failure): string {
  if (failure.detail.status === 403) return `${failure.message}; ${entitlement}`
  if (failure.detail.status === 404) return `${failure.message}; is --cloud-url the address of a cloud, without a path?`
  if (failure.code === 'cloud.overloaded') return `${failure.message}; wait, or ask for a larger quota`
  return failure.message
}

function encryption({ url, ca }: CloudAccess): CheckedPoint {
  const { protocol, hostname } = new URL(url)
  const isHere = /^(?:localhost|127\.|\[::1\])/.test(hostname)
  if (protocol === 'https:') {
    return { point: 'TLS', verdict: 'good', told: ca === null ? 'the certificate is trusted' : 'trusted by --cloud-ca' }
  }
  return isHere
    ? { point: 'TLS', verdict: 'good', told: 'not needed on this machine' }
    : { point: 'TLS', verdict: 'odd', told: 'none: the password travels readable; use https://' }
}

function clocks({ clock }: CloudClient): CheckedPoint {
  if (clock === null) return { point: 'clocks', verdict: 'odd', told: 'the cloud does not tell its time' }
  const apart = clock - Math.floor(Date.now() / 1000)
  const told = `the cloud's clock is ${Math.abs(apart)} s ${apart < 0 ? 'behind' : 'ahead'}`
  return Math.abs(apart) <= SKEW
    ? { point: 'clocks', verdict: 'good', told }
    : { point: 'clocks', verdict: 'odd', told: `${told}: matches carry its time; set the clock of one of the two` }
}

function whatToDo({ message }: Failure, { proxy }: CloudAccess): string {
  if (/certificate/.test(message)) return 'Give the authority that signed it with --cloud-ca.'
  return proxy === null
    ? 'Check --cloud-url, the network, and whether a proxy is needed (--cloud-proxy).'
    : 'Check --cloud-url and --cloud-proxy.'
}
