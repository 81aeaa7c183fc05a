/** The key under which workers know a revision: `r<revision id>`. */
export function revisionKey(revisionId: number): string {
  return `r${revisionId}`
}

/** The revision behind a key; null for a key of another kind, such as an ad-hoc hunt's. */
export function revisionIdOf(key: string): number | null {
  return /^r\d+$/.test(key) ? Number(key.slice(1)) : null
}
