import type { LeftOut } from '../yara/index.ts'

/** How many are named in a sentence. */
const NAMED = 5

/** Characters of a name. */
const LONGEST_NAME = 150

/** What does not run, as a sentence; null when everything does. */
export function formatLeftOut(leftOut: readonly LeftOut[]): string | null {
  if (leftOut.length === 0) return null
  const named = leftOut.slice(0, NAMED).map(({ kind, name, line }) => `${kind} ${shortened(name)} (line ${line})`)
  const more = leftOut.length > NAMED ? `, and ${leftOut.length - NAMED} more` : ''
  return `Left out, the rest runs: ${named.join(', ')}${more}.`
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)} …` : name
}
