import { createReadStream } from 'node:fs'
import type { Account } from '../accounts/index.ts'
import { type Appliance, openAppliance, type StoredPhase, type StoredReport } from '../appliance/index.ts'
import { Failure, traceOf } from '../errors/index.ts'
import type { IngestReceipt } from '../intake/index.ts'
import type { Quota } from '../quotas/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import { toIso } from '../store/index.ts'
import type { LeftOut } from '../yara/index.ts'
import { UnreadableFile } from './api-client.ts'
import type {
  Backend,
  ExplainedRule,
  FoundFile,
  HuntHow,
  HuntNews,
  IndexMaintenance,
  Ingested,
  NamedLeftOut,
  RetentionPlace,
  RuleText,
  Saved,
  Sources,
  Users,
} from './backend.ts'
import { localSources } from './local-sources.ts'
import { localRetention } from './retention-places.ts'
import { reasonOf } from './walk.ts'

/** Opens the data folder for a command. Fails with `data-folder.locked` while another process has it. */
export async function openDataFolder(settings: Settings): Promise<Backend> {
  const appliance = await openAppliance(settings, { log: warningLog, workersOnDemand: true })
  return new LocalBackend(settings, appliance, await appliance.room.lend(() => appliance.accounts.users.operator()))
}

/** Only what a person at the terminal should know. */
const warningLog: Log = {
  info: () => undefined,
  warn: (particulars, message) => writeToTerminal('warning', message, particulars),
  error: (particulars, message) => writeToTerminal('error', message, particulars),
}

function writeToTerminal(rating: string, message: string, { err }: { readonly err?: unknown }): void {
  process.stderr.write(`backtrail: ${rating}: ${message}${err === undefined ? '' : `\n${traceOf(err)}`}\n`)
}

class LocalBackend implements Backend {
  readonly dataFolder: string
  readonly ingestsAtOnce: number
  readonly users: Users
  readonly sources: Sources
  readonly index: IndexMaintenance
  readonly retention: RetentionPlace
  readonly #appliance: Appliance
  readonly #operator: Account

  constructor(settings: Settings, appliance: Appliance, operator: Account) {
    this.dataFolder = settings.data
    // Far more than there are workers: files that arrive together share their commit and its syncs. Twice what is
    // admitted at once, so that workers go on meanwhile.
    this.ingestsAtOnce = 2_048
    this.#appliance = appliance
    this.#operator = operator
    this.users = usersOf(appliance, recordOf(appliance, operator))
    this.sources = localSources(appliance, operator, recordOf(appliance, operator))
    this.index = indexOf(appliance)
    this.retention = localRetention(appliance, recordOf(appliance, operator))
  }

  async ingest({ source, name, folder, owner, size }: FoundFile): Promise<Ingested> {
    const info = { filename: name, folder, owner, userId: this.#operator.id }
    const { intake } = this.#appliance
    // Workers take paths as text; a name that is not text is read here.
    const receipt: Promise<IngestReceipt> =
      typeof source === 'string'
        ? intake.ingestFile(source, info, size)
        : intake.receive(createReadStream(source), info)
    return receipt.catch((error: unknown) => {
      throw isSystemError(error) ? new UnreadableFile(reasonOf(error), { cause: error }) : error
    })
  }

  async saveRuleset(
    { name, content }: RuleText,
    { isCore, partial }: { readonly isCore: boolean; readonly partial: boolean },
  ): Promise<Saved> {
    const { rulesets } = this.#appliance
    const text = { name, content, partial }
    const saved = await (isCore ? rulesets.importCore(this.#operator, text) : rulesets.save(this.#operator, text))
    await recordOf(this.#appliance, this.#operator)(isCore ? 'saveCoreRuleset' : 'saveRuleset', name)
    return { ...saved, runs: saved.state === 'valid' }
  }

  async *hunt(texts: readonly RuleText[], how: HuntHow, signal: AbortSignal): AsyncGenerator<HuntNews> {
    const { adHocHunts } = this.#appliance
    const { id } = await adHocHunts.create(this.#operator, { ...how, texts, selection: {}, title: null })
    try {
      const leftOut = leftOutOf(await adHocHunts.texts(id))
      for await (const { hunt, hits } of adHocHunts.follow(id, signal)) {
        if (hunt.state === 'failed') throw new Failure('hunt.failed', `The hunt failed: ${hunt.failure}.`)
        yield { ...hunt, hits, leftOut }
      }
      signal.throwIfAborted()
    } finally {
      await adHocHunts.remove(this.#operator, id)
    }
  }

  async explain(texts: readonly RuleText[], partial: boolean) {
    const { corpus, texts: explained } = await this.#appliance.explain(texts, new AbortController().signal, { partial })
    const rules = explained.flatMap(({ name: ruleset, rules }) =>
      rules.map(({ name: rule, ...rest }): ExplainedRule => ({ ruleset, rule, ...rest, corpus })),
    )
    return { rules, leftOut: leftOutOf(explained) }
  }

  check(
    each: number | 'quick',
    signal: AbortSignal,
    onProgress: (phase: StoredPhase, done: number, total: number) => void,
  ): Promise<StoredReport> {
    return this.#appliance.stored.run({
      ...(each === 'quick' ? { each: 1, quick: true } : { each }),
      signal,
      onProgress: ({ phase, done, total }) => onProgress(phase, done, total),
    })
  }

  close(): Promise<void> {
    return this.#appliance.close()
  }
}

function leftOutOf(texts: readonly { readonly name: string; readonly leftOut?: readonly LeftOut[] }[]): NamedLeftOut[] {
  return texts.flatMap(({ name, leftOut = [] }) => leftOut.map((one) => ({ ...one, text: name })))
}

/** Puts down what was done here: under the names that operations have in the API, and by whoever has the data folder. */
function recordOf({ audit }: Appliance, { name: user }: Account) {
  return (operation: string, ...subjects: readonly string[]): Promise<void> =>
    audit.record({ user, operation, subjects, status: 200, address: 'command line' })
}

function usersOf({ accounts, quotas }: Appliance, record: ReturnType<typeof recordOf>): Users {
  return {
    list: async () =>
      (await accounts.users.list()).map(({ lastLogIn, created, lastUsed, ...user }) => ({
        ...user,
        created: toIso(created),
        lastUsed: lastUsed === null ? null : toIso(lastUsed),
      })),
    async add(user) {
      await accounts.users.add(user)
      await record('addUser', user.name, user.role)
    },
    async setPassword(name, password) {
      await accounts.credentials.setPassword(name, password)
      await record('setUserPassword', name)
    },
    async setDisabled(name, disabled) {
      await accounts.users.setDisabled(name, disabled)
      await record('setUserDisabled', name, String(disabled))
    },
    async setRole(name, role) {
      await accounts.users.setRole(name, role)
      await record('setUserRole', name, role)
    },
    async remove(name) {
      await accounts.users.remove(name)
      await record('removeUser', name)
    },
    tokens: async (name) =>
      (await accounts.tokens.list(name)).map(({ created, lastUsed, expires, ...token }) => ({
        ...token,
        created: toIso(created),
        lastUsed: lastUsed === null ? null : toIso(lastUsed),
        expires: expires === null ? null : toIso(expires),
      })),
    async createToken(name, { label, ...bounds }) {
      const { token } = await accounts.tokens.create(name, label, bounds)
      await record('createToken', name, label, ...(bounds.scope ?? []))
      return token
    },
    async quota(name) {
      const { id } = await accounts.users.find(name)
      return { ...limitsOf(await quotas.of(id)), used: limitsOf(await quotas.use(id)) }
    },
    async setQuota(name, limits) {
      const { id } = await accounts.users.find(name)
      await quotas.set(
        id,
        limits && {
          daySamples: limits.day_samples,
          dayBytes: limits.day_bytes,
          totalSamples: limits.total_samples,
          totalBytes: limits.total_bytes,
        },
      )
      await record(limits === null ? 'removeQuota' : 'setQuota', name)
    },
    async revokeToken(name, id) {
      await accounts.tokens.revoke(name, id)
      await record('revokeToken', name, String(id))
    },
  }
}

function limitsOf<T extends number | null>(quota: Readonly<Record<keyof Quota, T>>) {
  const { daySamples, dayBytes, totalSamples, totalBytes } = quota
  return { day_samples: daySamples, day_bytes: dayBytes, total_samples: totalSamples, total_bytes: totalBytes }
}

function indexOf({ segments }: Appliance): IndexMaintenance {
  return {
    build: (signal, onProgress) => segments.build({ signal, onProgress: ({ done, total }) => onProgress(done, total) }),
    check: (each, signal, onProgress) =>
      segments.check({ each, signal, onProgress: ({ done, total }) => onProgress(done, total) }),
    stats: () => segments.stats(),
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
