/** Ad-hoc hunts through the API of a running server, and what they find. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { RunningServer } from './running-server.ts'

/** Each `rule<TAB>sha256`. */
export type Pairs = ReadonlySet<string>

export interface HuntResult {
  readonly seconds: number
  readonly scannedBytes: number
  readonly pairs: Pairs
}

interface HuntState {
  readonly id: number
  readonly state: string
  readonly scanned_bytes: number
}

/** Hunts with files of rules, with or without the index. */
export function hunt(server: RunningServer, files: readonly string[], index: boolean): Promise<HuntResult> {
  const rules = files.map((file) => ({ name: basename(file), content: readFileSync(file, 'utf8') }))
  return huntFor(server, rules, index)
}

/** Hunts with texts; seconds are those from the request to the end of the hunt, as a client sees them. */
export async function huntFor(
  server: RunningServer,
  rules: readonly { readonly name: string; readonly content: string }[],
  index: boolean,
): Promise<HuntResult> {
  const begin = performance.now()
  let state = await server.call<HuntState>('POST', '/api/hunts/', { rules, index })
  while (state.state === 'queued' || state.state === 'running') {
    // A question each millisecond would cost the server more than the hunt does.
    await new Promise((resolve) => setTimeout(resolve, 2 + (performance.now() - begin) / 50))
    state = await server.call<HuntState>('GET', `/api/hunts/${state.id}/`)
  }
  const seconds = (performance.now() - begin) / 1000
  if (state.state !== 'completed') throw new Error(`the hunt ended as ${state.state}`)
  const pairs = new Set<string>()
  for (let after: number | null = 0; after !== null; ) {
    const page: { next_after: number | null; results: { rule: string; sha256: string }[] } = await server.call(
      'GET',
      `/api/hunts/${state.id}/results/?limit=1000&after=${after}`,
    )
    for (const { rule, sha256 } of page.results) pairs.add(`${rule}\t${sha256}`)
    after = page.next_after
  }
  await server.call('DELETE', `/api/hunts/${state.id}/`)
  return { seconds, scannedBytes: state.scanned_bytes, pairs }
}

/** Fails unless two ways have found the same pairs. */
export function demandSame(name: string, pairs: Pairs, otherName: string, others: Pairs): void {
  const missed = [...others].filter((pair) => !pairs.has(pair))
  const extra = [...pairs].filter((pair) => !others.has(pair))
  if (missed.length + extra.length === 0) return
  const formatted = (list: string[]) => `${list.length} (${list.slice(0, 5).join(', ')})`
  throw new Error(`${name} and ${otherName} differ: missed ${formatted(missed)}, extra ${formatted(extra)}`)
}
