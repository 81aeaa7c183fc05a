/**
 * Which of the rules that hold on samples become matches. Whatever records matches asks here, wherever they were found:
 * a rule that is disabled by itself is evaluated like all others, since rules may refer to it, and makes no match; nor does
 * any rule on the samples of its allow list. Where the list has a name, a rule that holds for another name of the sample as
 * well is a match for that.
 */
import { inSmallLetters, type RuleOfRuleset, type UnitOfWork } from '../store/index.ts'
import { type AllowedTraits, isAllowed } from './allowed-samples.ts'

/** That a rule holds on a sample. */
interface Found extends RuleOfRuleset {
  /** The file name that the rule held for; the sample's where there is none. */
  readonly name?: string | null
  /** Further ones of the sample that it held for. */
  readonly otherNames?: readonly string[]
}

/** The ones that are matches, in their order. In the unit of work that records them. */
export async function reportable<T extends Found>(
  tx: UnitOfWork,
  found: readonly T[],
  sampleOf: (found: T) => number,
): Promise<T[]> {
  if (found.length === 0) return []
  const disabled = new Set((await tx.ruleSwitches.findDisabled(found)).map(keyOf))
  const enabled = found.filter((rule) => !disabled.has(keyOf(rule)))
  return withoutAllowed(tx, enabled, sampleOf)
}

async function withoutAllowed<T extends Found>(
  tx: UnitOfWork,
  found: readonly T[],
  sampleOf: (found: T) => number,
): Promise<T[]> {
  const allowed = Map.groupBy(await tx.allowLists.findOf(found), keyOf)
  if (allowed.size === 0) return [...found]
  const samples = [...new Set(found.filter((rule) => allowed.has(keyOf(rule))).map(sampleOf))]
  const traits = await traitsOf(tx, samples)
  return found.flatMap((rule) => {
    const known = traits.get(sampleOf(rule))
    if (known === undefined) return [rule]
    const list = allowed.get(keyOf(rule)) ?? []
    const isIn = (name: string) => list.some((entry) => isAllowed(entry, { ...known, name }))
    const name = [rule.name ?? known.name, ...(rule.otherNames ?? [])].find((name) => !isIn(name))
    if (name === undefined) return []
    return [name === (rule.name ?? known.name) ? rule : { ...rule, name }]
  })
}

async function traitsOf(
  { samples, programs }: UnitOfWork,
  ids: readonly number[],
): Promise<ReadonlyMap<number, AllowedTraits>> {
  const signed = await programs.signersOf(ids)
  const traits = new Map<number, AllowedTraits>()
  for (const [id, { md5, sha1, sha256, sha512, name }] of await samples.findByIds(ids)) {
    const signers = signed.get(id) ?? []
    traits.set(id, {
      hashes: [md5, sha1, sha256, sha512].filter((hash) => hash !== null),
      name,
      signers: signers.filter(({ field }) => field === 'signer').map(({ value }) => inSmallLetters(value)),
      serials: signers.filter(({ field }) => field === 'serial').map(({ value }) => inSmallLetters(value)),
    })
  }
  return traits
}

function keyOf({ rulesetId, rule }: RuleOfRuleset): string {
  return `${rulesetId} ${rule}`
}
