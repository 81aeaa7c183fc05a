/**
 * How a text becomes that of a ruleset. It is checked and planned first, which takes up to seconds; whether it may be saved
 * is decided before that, so that a refusal costs nothing, and again in the unit of work that saves it. Where another text
 * became current meanwhile, what that means is decided anew.
 */
import type { Account } from '../accounts/index.ts'
import { replaceRules } from '../matches/index.ts'
import { now, type Store, type StoredRuleset, type UnitOfWork } from '../store/index.ts'
import { runnableText } from '../yara/index.ts'
import { type Checker, firstErrorOf } from './checker.ts'
import { formatLeftOut } from './left-out.ts'
import { demandNewName } from './names.ts'
import type { ChangePurpose, RulesetObserver } from './observer.ts'
import type { NewText, SaveOutcome } from './revision.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'
import { demandCurrent, demandSavable, hasSameText, runs, unchangedOutcome } from './stored-ruleset.ts'
import { textDigest } from './text-digest.ts'

interface Parts {
  readonly store: Store
  readonly checker: Checker
  readonly planner: RulesetPlanner
  readonly observers: readonly RulesetObserver[]
  /** Runs a unit of work that tells whether what runs has changed. */
  readonly change: (change: (tx: UnitOfWork) => Promise<boolean>) => Promise<void>
}

interface How {
  /** It is to be a core ruleset. */
  readonly core: boolean
  readonly purpose: ChangePurpose & { readonly enabled?: boolean }
}

/** What was found out about a text. */
interface Tried {
  readonly checked: Awaited<ReturnType<Checker['check']>>
  /** Null for a text that does not run. */
  readonly planned: Awaited<ReturnType<RulesetPlanner['plan']>> | null
}

/** As `Rulesets.save`, for a name and a text that can be; nothing else of this process changes the ruleset meanwhile. */
export async function saveText(parts: Parts, by: Account, text: NewText, how: How): Promise<SaveOutcome> {
  const { name, content, partial = false } = text
  const digest = textDigest(content)
  let tried: Tried | undefined
  for (;;) {
    const before = await parts.store.rulesets.findByName(name)
    demandSavable(by, before, how.core)
    // What is shared in a cluster keeps its name.
    if (before === null && how.purpose.takes === undefined) demandNewName(name)
    // One that comes from elsewhere now is a revision of its own, since each says where its text came from.
    const same =
      before && text.origin === undefined && (await hasText(parts.store, before, content, digest)) ? before : null
    let saved: SaveOutcome | null
    if (same && same.state !== 'invalid' && (partial || same.leftOut.length === 0)) {
      saved = await saveUnchanged(parts, by, text, same, how)
    } else {
      demandCurrent(text, before?.number ?? 0)
      tried ??= await tryText(parts, by, content, partial)
      saved =
        same?.state === 'invalid' && !tried.checked.valid
          ? await saveUnchanged(parts, by, text, same, how)
          : await saveTried(parts, by, { ...text, digest }, { ...how, before }, tried)
    }
    if (saved) return saved
  }
}

async function tryText({ checker, planner }: Parts, by: Account, content: string, partial: boolean): Promise<Tried> {
  const checked = await checker.check(content, partial, { group: groupOf(by) })
  const planned = checked.valid ? await planner.plan(runnableText(content, checked.leftOut ?? [])) : null
  return { checked, planned }
}

/** Null where the name stands for another text than that of `before` by now: then nothing was written. */
async function saveTried(
  { observers, change }: Parts,
  by: Account,
  { name, content, digest, origin }: NewText & { readonly digest: Buffer },
  { core, purpose, before }: How & { readonly before: StoredRuleset | null },
  { checked, planned }: Tried,
): Promise<SaveOutcome | null> {
  const { valid, leftOut = [], engine } = checked
  const rules = planned?.rules ?? []
  const diagnostics = [...checked.diagnostics, ...(planned?.warnings ?? [])]
  const state = valid ? 'valid' : 'invalid'
  const time = now()
  let saved: SaveOutcome | null = null
  await change(async (tx) => {
    // A unit of work may be run again from its start.
    saved = null
    const current = await tx.rulesets.findByName(name)
    demandSavable(by, current, core)
    if (!hasSameText(current, before)) return false
    const id = current?.id ?? (await tx.rulesets.add({ name, ownerId: by.id, core, created: time }))
    const rulesBefore = await tx.revisions.rulesOfLastValid(id)
    const revision = (current?.number ?? 0) + 1
    const revisionId = await tx.revisions.add({
      rulesetId: id,
      number: revision,
      content,
      digest,
      authorId: by.id,
      created: time,
      valid,
      diagnostics,
      rules,
      plan: planned?.plan ?? null,
      leftOut,
      origin,
    })
    const reason = valid ? formatLeftOut(leftOut) : firstErrorOf(diagnostics)
    await tx.rulesets.setRevision(id, revisionId, { state, reason, modified: time })
    await tx.scanFailures.deleteAll(id)
    if (valid) await replaceRules(tx, id, rulesBefore, rules)
    const wasEnabled = current?.enabled ?? true
    const { enabled = wasEnabled } = purpose
    if (enabled !== wasEnabled) await tx.rulesets.setEnabled(id, { enabled, state })
    for (const observer of observers) await observer.recordChange(tx, id, purpose, current)
    const cloudSynced = current?.cloudSynced === true
    saved = { name, created: !current, revision, cloudSynced, state, diagnostics, leftOut, ...(engine && { engine }) }
    const ran = current ? runs(current) : false
    return ran || (enabled && valid)
  })
  return saved
}

/** The same for the text that the ruleset has already. */
async function saveUnchanged(
  { checker, observers, change }: Parts,
  by: Account,
  { name, content }: NewText,
  same: StoredRuleset,
  { core, purpose }: How,
): Promise<SaveOutcome | null> {
  const { cloud, publishAs, takes } = purpose
  if (cloud !== undefined || publishAs !== undefined || takes !== undefined) {
    let isSame = false
    await change(async (tx) => {
      const current = await tx.rulesets.findByName(name)
      demandSavable(by, current, core)
      isSame = hasSameText(current, same)
      if (isSame) for (const observer of observers) await observer.recordChange(tx, same.id, purpose, current)
      return false
    })
    if (!isSame) return null
  }
  if (same.state !== 'valid') return unchangedOutcome(name, same)
  // That no worker can say now what runs it is no reason to refuse what is saved already.
  const checked = await checker.check(content, true, { group: groupOf(by) }).catch(() => null)
  return { ...unchangedOutcome(name, same), ...(checked?.engine && { engine: checked.engine }) }
}

/** Whether this text is the current one. */
async function hasText(
  { revisions }: Store,
  { digest: known, revisionId }: StoredRuleset,
  content: string,
  digest: Buffer,
): Promise<boolean> {
  if (known) return digest.equals(known)
  return revisionId !== null && (await revisions.contentOf(revisionId)) === content
}

/** Checks of a user take turns with those of others. */
const groupOf = ({ id }: Account): string => `user:${id}`
