/** What may be spent on all that looks like an archive in one content, in blocks that are passed over. */
export interface Effort {
  left: number
}

/** False once all is spent. */
export function spend(effort: Effort | null, blocks: number): boolean {
  if (effort === null) return true
  effort.left -= blocks
  return effort.left >= 0
}
