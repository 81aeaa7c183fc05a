/** Rule sources of a data folder here. */
import type { Account } from '../accounts/index.ts'
import type { Appliance } from '../appliance/index.ts'
import { modes, type SourceState } from '../rule-sources/index.ts'
import { toIso } from '../store/index.ts'
import type { NamedSource, Sources } from './backend.ts'

const updates = { manual: 'none', update: 'known', import: 'all' } as const

export function localSources(
  { ruleSources }: Appliance,
  operator: Account,
  record: (operation: string, ...subjects: readonly string[]) => Promise<void>,
): Sources {
  return {
    list: async () => (await ruleSources.list()).map(toNamed),
    async add({ mode, ...spec }) {
      const added = toNamed(await ruleSources.add(operator, { ...spec, updates: updates[mode] }))
      await record('addRepository', added.name, added.url)
      return added
    },
    preview: (id) => ruleSources.preview(operator, id),
    async synchronize(id, overwrite) {
      await record('synchronizeRuleSource', String(id), String(overwrite))
      return ruleSources.synchronize(operator, id, overwrite)
    },
    async remove(id, withRulesets) {
      await ruleSources.remove(operator, id, withRulesets)
      await record('removeRepository', String(id), String(withRulesets))
    },
  }
}

function toNamed({ source }: SourceState): NamedSource {
  const { id, name, kind, url, branch, version, problem } = source
  return {
    id,
    name,
    owner: source.owner.name,
    kind,
    url,
    branch,
    mode: modes[source.updates],
    state: problem !== null ? 'failed' : source.wanted !== null ? 'waiting' : source.synced === null ? 'new' : 'synced',
    version,
    synced: source.synced === null ? null : toIso(source.synced),
    problem,
  }
}
