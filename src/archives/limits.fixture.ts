import type { ConfiguredArchiveLimits } from './limits.ts'

/** What settings give to the archives of a server. */
export const archiveLimits: ConfiguredArchiveLimits = {
  members: 20_000,
  totalBytes: 4 * 1024 ** 3,
  ratio: 250,
  timeMs: 300_000,
}
