import type { LeftOut } from '../yara/index.ts'

/** As `revisions.left_out` holds it. */
export function writeLeftOut(leftOut: readonly LeftOut[]): string | null {
  return leftOut.length === 0 ? null : JSON.stringify(leftOut)
}

export function readLeftOut(stored: string | null): readonly LeftOut[] {
  return stored === null ? [] : (JSON.parse(stored) as LeftOut[])
}

/** How many are named in a sentence. */
const NAMED = 5

/** What does not run, as a sentence; null when everything does. */
export function formatLeftOut(leftOut: readonly LeftOut[]): string | null {
  if (leftOut.length === 0) return null
  const named = leftOut.slice(0, NAMED).map(({ kind, name, line }) => `${kind} ${name} (line ${line})`)
  const more = leftOut.length > NAMED ? `, and ${leftOut.length - NAMED} more` : ''
  return `Left out, the rest runs: ${named.join(', ')}${more}.`
}
