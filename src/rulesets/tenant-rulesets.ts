import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import { type Database, now } from '../store/index.ts'
import { ruleText } from '../yara/index.ts'
import { checkName } from './names.ts'
import { RULESET_NAMES } from './ruleset-name.ts'
import { type Checker, firstErrorOf, type Rulesets } from './rulesets.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

/** A ruleset that a tenant runs here. Its text never changes: a tenant deletes it and creates another. */
export interface TenantRuleset {
  readonly id: number
  readonly name: string
  /** Lower-case hexadecimal SHA-1 of the text. */
  readonly digest: string
  readonly revisionId: number
  readonly rules: number
  /** False for one that wants samples that cannot be downloaded only, of which there are none: nothing matches it. */
  readonly wantsSamples: boolean
  /** False when it was suspended because it could not be run; `reason` tells. */
  readonly runs: boolean
  /** On which sample it was stopped; null when all is well. */
  readonly reason: string | null
}

export interface TenantRulesetsParts {
  readonly database: Database
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
    await this.#demandRoom(this.#parts.database, tenantId, name)
    const { valid, diagnostics } = await checker.check(content)
    if (!valid) throw refused(firstErrorOf(diagnostics))
    const { rules, plan, warnings } = await planner.plan(content)
    const digest = createHash('sha1').update(content).digest()
    const time = now()
    await this.#parts.rulesets.change(async (trx) => {
      await this.#demandRoom(trx, tenantId, name)
      const { id } = await trx
        .insertInto('rulesets')
        .values({
          name,
          owner_id: tenantId,
          tenant_id: tenantId,
          digest,
          core: 0,
          enabled: wantsSamples ? 1 : 0,
          state: 'valid',
          cloud_synced: 0,
          created: time,
          modified: time,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      const { revisionId } = await trx
        .insertInto('revisions')
        .values({
          ruleset_id: id,
          number: 1,
          content,
          author_id: tenantId,
          created: time,
          valid: 1,
          diagnostics: JSON.stringify([...diagnostics, ...warnings]),
          rules: JSON.stringify(rules ?? []),
          plan,
        })
        .returning('id as revisionId')
        .executeTakeFirstOrThrow()
      await trx.updateTable('rulesets').set({ revision_id: revisionId }).where('id', '=', id).execute()
      return wantsSamples
    })
    return this.get(tenantId, name)
  }

  /** By name. */
  async list(tenantId: number): Promise<TenantRuleset[]> {
    const rows = await this.#select(tenantId).orderBy('rulesets.name').execute()
    return rows.map(toTenantRuleset)
  }

  /** `ruleset.not-found`. */
  async get(tenantId: number, name: string): Promise<TenantRuleset> {
    const row = await this.#select(tenantId).where('rulesets.name', '=', name).executeTakeFirst()
    if (!row) throw new Failure('ruleset.not-found')
    return toTenantRuleset(row)
  }

  /** `ruleset.not-found`. */
  async text(tenantId: number, name: string): Promise<string> {
    const { revisionId } = await this.get(tenantId, name)
    const { content } = await this.#parts.database
      .selectFrom('revisions')
      .select('content')
      .where('id', '=', revisionId)
      .executeTakeFirstOrThrow()
    return content
  }

  /** Removes it with everything that was found with it; gives what it was. `ruleset.not-found`. */
  async remove(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.get(tenantId, name)
    await this.#parts.rulesets.change(async (trx) => {
      await trx.deleteFrom('rulesets').where('id', '=', ruleset.id).execute()
      return ruleset.runs && ruleset.wantsSamples
    })
    return ruleset
  }

  /** Removes what removed tenants have left, which an earlier process may not have come to. */
  async removeOfRemovedTenants(): Promise<void> {
    await this.#parts.rulesets.change(async (trx) => {
      const { numDeletedRows } = await trx
        .deleteFrom('rulesets')
        .where('tenant_id', 'in', (eb) => eb.selectFrom('users').select('id').where('removed', 'is not', null))
        .executeTakeFirst()
      return numDeletedRows > 0n
    })
  }

  async #demandRoom(database: Database, tenantId: number, name: string): Promise<void> {
    const { count, same } = await database
      .selectFrom('rulesets')
      .select(({ fn, eb }) => [
        fn.countAll<number>().as('count'),
        fn.sum<number | null>(eb.case().when('name', '=', name).then(1).else(0).end()).as('same'),
      ])
      .where('tenant_id', '=', tenantId)
      .executeTakeFirstOrThrow()
    if (same) throw new Failure('tenant.ruleset-exists', `There is already a ruleset ${name}; delete it first.`)
    if (count >= this.#parts.most) {
      throw new Failure('tenant.quota', `This account may have ${this.#parts.most} rulesets; delete some first.`)
    }
  }

  #select(tenantId: number) {
    return this.#parts.database
      .selectFrom('rulesets')
      .innerJoin('revisions', 'revisions.id', 'rulesets.revision_id')
      .select(['rulesets.id', 'rulesets.name', 'digest', 'revision_id', 'enabled', 'state', 'reason'])
      .select(sql<number>`json_array_length(revisions.rules)`.as('rules'))
      .where('rulesets.tenant_id', '=', tenantId)
  }
}

function toTenantRuleset(row: StoredRow): TenantRuleset {
  return {
    id: row.id,
    name: row.name,
    digest: Buffer.from(row.digest ?? []).toString('hex'),
    revisionId: row.revision_id ?? 0,
    rules: row.rules,
    wantsSamples: row.enabled === 1,
    runs: row.state === 'valid',
    reason: row.reason,
  }
}

interface StoredRow {
  readonly id: number
  readonly name: string
  readonly digest: Uint8Array | null
  readonly revision_id: number | null
  readonly enabled: 0 | 1
  readonly state: 'valid' | 'invalid' | 'error'
  readonly reason: string | null
  readonly rules: number
}

function refused(reason: string): Failure {
  return new Failure('tenant.ruleset-refused', reason)
}
