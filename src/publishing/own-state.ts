import { textDigest } from '../rulesets/index.ts'
import type { Repositories, SharedBesideOwn, SharedState } from '../store/index.ts'
import { nothing } from './sync-state.ts'

/** What this appliance has under the name of a shared ruleset. */
export async function ownStateOf({ revisions }: Repositories, { own }: SharedBesideOwn): Promise<SharedState> {
  if (own === null || own.revisionId === null) return nothing
  const { digest, enabled, revisionId } = own
  if (digest !== null) return { digest, enabled }
  // Saved before digests were kept.
  const content = (await revisions.contentOf(revisionId)) ?? ''
  return { digest: textDigest(content).toString('hex'), enabled }
}
