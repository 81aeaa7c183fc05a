import type { MatchQuery } from '../../api/matches.ts'

/** What the address says about the list. */
export const initial = {
  ruleset: [] as readonly string[],
  together: false,
  revision: '',
  rule: '',
  enabled_rules: false,
  place: '',
  classification: '',
  file_type: '',
  tag: '',
  min_size: '',
  max_size: '',
  from: '',
  to: '',
  query: '',
  exact_rule: '',
  new_in_run: false,
}
export type MatchFilters = typeof initial

const units: Readonly<Record<string, number>> = { '': 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** How it is shown, also in the address. */
export const initialView = { by: 'match', order: 'recorded', descending: true }
export type MatchView = typeof initialView

/** The same as the API takes it: sizes in bytes. `run` is a run of Local Retro whose matches alone are listed. */
export function queryOf(
  { together, enabled_rules, new_in_run, min_size, max_size, ...filters }: MatchFilters,
  run: number | null,
): MatchQuery {
  return {
    ...filters,
    ...(run !== null && { run, new_in_run }),
    ...(together && filters.ruleset.length > 1 && { together }),
    ...(enabled_rules && { enabled_rules }),
    min_size: bytesOf(min_size),
    max_size: bytesOf(max_size),
  }
}

/** `100KB` in bytes; null for what is no size. */
function bytesOf(size: string): number | null {
  const found = /^(\d{1,9})\s*(KB|MB|GB|)$/i.exec(size)
  return found ? Number(found[1]) * (units[(found[2] ?? '').toUpperCase()] ?? 1) : null
}
