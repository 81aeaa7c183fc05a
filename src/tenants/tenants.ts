import type { Accounts } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { ScanSources } from '../hunts/index.ts'
import { fileName, folderOf } from '../intake/index.ts'
import {
  type Checker,
  type RulesetPlanner,
  type Rulesets,
  type TenantRuleset,
  TenantRulesets,
} from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Store } from '../store/index.ts'
import { limits } from '../tca/index.ts'
import { type FeedLimits, Feeds } from './feeds.ts'
import { RetroHunts, type RetroLimits } from './retro-hunts.ts'

export interface TenantsParts {
  readonly store: Store
  readonly accounts: Accounts
  readonly rulesets: Rulesets
  readonly checker: Checker
  readonly planner: RulesetPlanner
  readonly sources: ScanSources
  readonly log: Log
  /** How many rulesets a tenant may have. */
  readonly mostRulesets: number
  readonly feedLimits: FeedLimits
  readonly retroLimits: RetroLimits
}

const TIDY_EVERY_MS = 60 * 60_000

/** What tenants have in a cloud. Everything is reached by the id of the tenant who asks, so nobody meets another's. */
export class Tenants {
  readonly rulesets: TenantRulesets
  readonly feeds: Feeds
  readonly retroHunts: RetroHunts
  readonly #store: Store
  readonly #log: Log
  readonly #endListening: () => void
  #tidying: NodeJS.Timeout | undefined
  #tidied: Promise<void> = Promise.resolve()

  constructor(parts: TenantsParts) {
    const { store, accounts, rulesets, checker, sources, log } = parts
    this.#store = store
    this.#log = log
    this.rulesets = new TenantRulesets({
      store,
      rulesets,
      checker,
      planner: parts.planner,
      most: parts.mostRulesets,
      textLimit: limits.textBytes,
    })
    this.feeds = new Feeds(store, parts.feedLimits)
    this.retroHunts = new RetroHunts({
      store,
      sources,
      rulesets,
      tenantRulesets: this.rulesets,
      feeds: this.feeds,
      limits: parts.retroLimits,
      log,
    })
    this.#endListening = accounts.users.onTenantRemoved(() => this.#removeLeftovers())
  }

  /** Removes what removed tenants and years have left, and goes on with retro hunts; gives how many of these. */
  async start(): Promise<number> {
    await this.#removeLeftovers()
    this.#tidy()
    this.#tidying = setInterval(() => this.#tidy(), TIDY_EVERY_MS).unref()
    return this.retroHunts.resume()
  }

  /** Removes a ruleset, its retro hunt and everything in the feeds that it matched. `ruleset.not-found`. */
  async removeRuleset(tenantId: number, name: string): Promise<TenantRuleset> {
    // A long feed goes bit by bit beforehand; what comes meanwhile goes with the ruleset.
    await this.feeds.empty((await this.rulesets.get(tenantId, name)).id)
    const ruleset = await this.rulesets.remove(tenantId, name)
    await this.retroHunts.endOrphans()
    return ruleset
  }

  /**
   * Names a sample that this tenant contributed, where nobody gave it a name yet; null leaves it as it is.
   * `sample.not-found` for one that the tenant did not contribute.
   */
  async nameContribution(tenantId: number, sha1: string, name: string | null): Promise<void> {
    await this.#store.transaction('nameContribution', async ({ arrivals, newNames, samples }) => {
      const sampleId = await arrivals.findOfUser(sha1, tenantId)
      if (sampleId === null) throw new Failure('sample.not-found')
      if (name === null) return
      const given = fileName(name)
      // What has no name is called by its SHA-1.
      if (!(await arrivals.hasNamed(sampleId, tenantId, sha1))) return
      // Rules that ask for names have not seen this one.
      await newNames.add(sampleId)
      await arrivals.rename(sampleId, tenantId, sha1, { name: given, folder: folderOf(name) })
      await samples.rename(sampleId, sha1, given)
    })
  }

  async close(): Promise<void> {
    this.#endListening()
    clearInterval(this.#tidying)
    await Promise.all([this.retroHunts.close(), this.#tidied])
  }

  async #removeLeftovers(): Promise<void> {
    await this.rulesets.removeOfRemovedTenants()
    await this.retroHunts.endOrphans()
  }

  #tidy(): void {
    this.#tidied = this.feeds
      .removeOld()
      .catch((error) => this.#log.error({ err: error }, 'old entries of feeds could not be removed'))
  }
}
