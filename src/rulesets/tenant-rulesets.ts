import { createHash } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import { now, type Repositories, type Store, type TenantRuleset } from '../store/index.ts'
import { ruleText } from '../yara/index.ts'
import { type Checker, firstErrorOf } from './checker.ts'
import { checkName } from './names.ts'
import { RULESET_NAMES } from './ruleset-name.ts'
import type { Rulesets } from './rulesets.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

export interface TenantRulesetsParts {
  readonly store: Store
  readonly rulesets: Pick<Rulesets, 'change'>
  readonly checker: Checker
  readonly planner: RulesetPlanner
  /** How many rulesets a tenant may have. */
  readonly most: number
  /** Bytes of a text. */
  readonly textLimit: number
}

/**
 * The rulesets of tenants, each reached by the tenant's id and its name among that tenant's. They run with all others
 * in the live set, but what they match is recorded in feeds and nowhere else.
 */
export class TenantRulesets {
  readonly #parts: TenantRulesetsParts

  constructor(parts: TenantRulesetsParts) {
    this.#parts = parts
  }

  /**
   * Checks a text and lets it run. `tenant.ruleset-exists` for a name that the tenant uses already, `tenant.quota`, and
   * `tenant.ruleset-refused` for the name, or for a text that is empty, too large or does not compile.
   */
  async create(
    tenantId: number,
    { name, text, wantsSamples }: { readonly name: string; readonly text: string; readonly wantsSamples: boolean },
  ): Promise<TenantRuleset> {
    const { checker, planner, textLimit } = this.#parts
    checkName(name, 'tenant.ruleset-refused', `A ruleset name has ${RULESET_NAMES}.`)
    const content = ruleText(text)
    if (content === '') throw refused('The text is empty.')
    if (Buffer.byteLength(content) > textLimit) throw refused(`The text is larger than ${textLimit} bytes.`)
    // Before the check, which costs time, as well as in the transaction.
    await this.#demandRoom(this.#parts.store, tenantId, name)
    const { valid, diagnostics } = await checker.check(content, false, { group: `user:${tenantId}` })
    if (!valid) throw refused(firstErrorOf(diagnostics))
    const { rules, plan, warnings } = await planner.plan(content)
    const digest = createHash('sha1').update(content).digest()
    const time = now()
    await this.#parts.rulesets.change(async (tx) => {
      await this.#demandRoom(tx, tenantId, name)
      const id = await tx.rulesets.addOfTenant({ name, tenantId, digest, enabled: wantsSamples, created: time })
      const revisionId = await tx.revisions.add({
        rulesetId: id,
        number: 1,
        content,
        authorId: tenantId,
        created: time,
        valid: true,
        diagnostics: [...diagnostics, ...warnings],
        rules: rules ?? [],
        plan,
        leftOut: [],
      })
      await tx.rulesets.setRevision(id, revisionId)
      return wantsSamples
    })
    return this.get(tenantId, name)
  }

  /** By name. */
  async list(tenantId: number): Promise<TenantRuleset[]> {
    return this.#parts.store.rulesets.listOfTenant(tenantId)
  }

  /** `ruleset.not-found`. */
  async get(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.#parts.store.rulesets.findOfTenant(tenantId, name)
    if (!ruleset) throw new Failure('ruleset.not-found')
    return ruleset
  }

  /** `ruleset.not-found`. */
  async text(tenantId: number, name: string): Promise<string> {
    const { revisionId } = await this.get(tenantId, name)
    return (await this.#parts.store.revisions.contentOf(revisionId)) ?? ''
  }

  /** Removes it with everything that was found with it; gives what it was. `ruleset.not-found`. */
  async remove(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.get(tenantId, name)
    await this.#parts.rulesets.change(async (tx) => {
      await tx.rulesets.delete(ruleset.id)
      return ruleset.runs && ruleset.wantsSamples
    })
    return ruleset
  }

  /** Removes what removed tenants have left, which an earlier process may not have come to. */
  async removeOfRemovedTenants(): Promise<void> {
    await this.#parts.rulesets.change(({ rulesets }) => rulesets.deleteOfRemovedTenants())
  }

  async #demandRoom({ rulesets }: Repositories, tenantId: number, name: string): Promise<void> {
    const { count, hasName } = await rulesets.countOfTenant(tenantId, name)
    if (hasName) throw new Failure('tenant.ruleset-exists', `There is already a ruleset ${name}; delete it first.`)
    if (count >= this.#parts.most) {
      throw new Failure('tenant.quota', `This account may have ${this.#parts.most} rulesets; delete some first.`)
    }
  }
}

function refused(reason: string): Failure {
  return new Failure('tenant.ruleset-refused', reason)
}
