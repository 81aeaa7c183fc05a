import type { Accounts } from '../accounts/index.ts'
import type { SweepSources } from '../hunts/index.ts'
import { type Checker, type Rulesets, rulesetPlanner, type TenantRuleset, TenantRulesets } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Database } from '../store/index.ts'
import { limits } from '../tca/index.ts'
import { type FeedLimits, Feeds } from './feeds.ts'
import { RetroHunts, type RetroLimits } from './retro-hunts.ts'

export interface TenantsParts {
  readonly database: Database
  readonly accounts: Accounts
  readonly rulesets: Rulesets
  readonly checker: Checker
  readonly sources: SweepSources
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
  readonly #log: Log
  readonly #endListening: () => void
  #tidying: NodeJS.Timeout | undefined
  #tidied: Promise<void> = Promise.resolve()

  constructor(parts: TenantsParts) {
    const { database, accounts, rulesets, checker, sources, log } = parts
    this.#log = log
    this.rulesets = new TenantRulesets({
      database,
      rulesets,
      checker,
      planner: rulesetPlanner,
      most: parts.mostRulesets,
      textLimit: limits.textBytes,
    })
    this.feeds = new Feeds(database, parts.feedLimits)
    this.retroHunts = new RetroHunts({
      database,
      sources,
      rulesets,
      tenantRulesets: this.rulesets,
      feeds: this.feeds,
      limits: parts.retroLimits,
      log,
    })
    this.#endListening = accounts.onTenantRemoved(() => this.#removeLeftovers())
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
