/** Fields of samples under the names that clients ask for. */
import { factorOf, type ListedSample, listedFields } from '../../samples/index.ts'

/** Names that only the older addresses know, beside the others. */
const olderFields = ['threat_status', 'trust_factor', 'threat_level'] as const
const known: ReadonlySet<string> = new Set(['classification_result', ...listedFields])
const knownOlder: ReadonlySet<string> = new Set([...known, ...olderFields])

/** `wanted` null for all. `classification_result` is the vendor's newer name for the threat name. */
export function chosenFields(
  sample: ListedSample | undefined,
  wanted: ReadonlySet<string> | null,
  isOlder = false,
): Record<string, unknown> {
  if (!sample) return {}
  const all: Record<string, unknown> = { classification_result: sample.threat_name, ...(isOlder && verdictOf(sample)) }
  for (const field of listedFields) all[field] = sample[field]
  return wanted ? Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name))) : all
}

/** Of those asked for, at most 100. `more`: names that this answer knows beside the usual ones. */
export function unknownFields(
  wanted: ReadonlySet<string> | null,
  isOlder: boolean,
  more: readonly string[] = [],
): string[] {
  const names = isOlder ? knownOlder : known
  return [...(wanted ?? [])].filter((name) => !names.has(name) && !more.includes(name)).slice(0, 100)
}

/** How sure goodware is known to be, from 0 (surely) to 5, is the trust factor; 5 where nothing is known for it. */
function verdictOf(sample: ListedSample): Record<(typeof olderFields)[number], string | number> {
  const isKnown = sample.classification === 'goodware'
  const factor = factorOf(sample)
  return {
    threat_status: isKnown ? 'known' : sample.classification,
    trust_factor: isKnown ? factor : 5,
    threat_level: isKnown ? 0 : factor,
  }
}
