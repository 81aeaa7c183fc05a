/**
 * Reads the cloud's two feeds of matches into the database.
 *
 * A feed is asked from a second on and answers with a page and `last_timestamp`, up to which it reported everything it
 * has now. The position is that second, by the cloud's clock; this side's clock decides nothing. It is written
 * in the unit of work that stores the page's matches: a kill leaves both or neither.
 *
 * Storing a match twice changes nothing, so a round begins some way before the position: what the cloud noted late, or
 * in a second that was not over, is found then. Nothing before `earliest`, which a user may set, is asked for.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { recordCloudMatches } from '../matches/index.ts'
import { cloudSampleIds } from '../samples/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  type CloudFinding,
  type FeedPosition,
  type KnownText,
  now,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import { type FeedKind, feedEnd } from '../tca/index.ts'
import type { CloudClient, FeedEntryJson } from './client.ts'

export const feedKinds = ['live', 'retro'] as const satisfies readonly FeedKind[]

/** Seconds before the position that are read again. */
const OVERLAP = 60
/** Clouds refuse to look back further than a year. */
const FARTHEST = 364 * 24 * 60 * 60
/** Where a cloud never sends the time, reading begins this long before now. */
const UNSURE = 60 * 60
/** Pauses between looks of `readUpTo`, and how many there are at most. */
const LOOKS = 12
const LOOK_PAUSE_MS = 500

export interface FeedRound {
  /** How many matches are new. */
  readonly fresh: number
  /** The second up to which the cloud reported everything. */
  readonly reportedUpTo: number
}

export class FeedReader {
  readonly #store: Store
  readonly #client: CloudClient
  readonly #log: Log
  /** By feed, the end of the round that was begun last: rounds of one feed go one after the other. */
  readonly #rounds = new Map<FeedKind, Promise<unknown>>()
  #opening: Promise<void> | null = null

  constructor(parts: { readonly store: Store; readonly client: CloudClient; readonly log: Log }) {
    this.#store = parts.store
    this.#client = parts.client
    this.#log = parts.log
  }

  /**
   * Takes the cloud's present time as the position when there is none yet. Nothing may be sent to the cloud before, so
   * that every match of what is sent lies behind the position.
   */
  async open(signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#open(signal).catch((error: unknown) => {
      this.#opening = null
      throw error
    })
    return this.#opening
  }

  /** Empty before the cloud was first reached. */
  async positions(): Promise<FeedPosition[]> {
    return this.#store.cloudFeeds.positions()
  }

  /** Both feeds are read from this second on, also again. */
  async move(second: number): Promise<void> {
    await this.#store.transaction('moveFeeds', async ({ cloudFeeds }) => {
      for (const feed of feedKinds) await cloudFeeds.move(feed, second)
    })
  }

  /** Reads a feed to its end. */
  async read(kind: FeedKind, signal: AbortSignal): Promise<FeedRound> {
    await this.open(signal)
    const before = this.#rounds.get(kind) ?? Promise.resolve()
    const round = before.then(
      () => this.#round(kind, signal),
      () => this.#round(kind, signal),
    )
    this.#rounds.set(kind, round)
    return round
  }

  /**
   * Reads a feed until it has reported everything up to a second. A cloud may hold a second back until it is over, so
   * this looks a few times; it fails when the cloud does.
   */
  async readUpTo(kind: FeedKind, second: number, signal: AbortSignal): Promise<void> {
    for (let look = 0; look < LOOKS; look++) {
      // Not the position: where reading began, nothing before it was read.
      if ((await this.read(kind, signal)).reportedUpTo >= second) return
      await pause(LOOK_PAUSE_MS, undefined, { signal })
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    if ((await this.positions()).length > 0) return
    await this.#client.count(signal)
    const start = this.#client.clock ?? Math.floor(Date.now() / 1000) - UNSURE
    await this.#store.cloudFeeds.open(feedKinds, start)
  }

  async #round(kind: FeedKind, signal: AbortSignal): Promise<FeedRound> {
    // How far back a cloud answers depends on its clock.
    if (this.#client.clock === null) await this.#client.count(signal)
    const { position, earliest, moved } = await this.#store.cloudFeeds.find(kind)
    const farthest = (this.#client.clock ?? Math.floor(Date.now() / 1000)) - FARTHEST
    // A cloud's clock may be set back, and goes on from there.
    const present = Math.min(position, this.#client.clock ?? position)
    let from = Math.max(earliest, present - OVERLAP, farthest)
    let fresh = 0
    let reportedUpTo = 0
    for (;;) {
      signal.throwIfAborted()
      const { entries, unusable, lastTimestamp } = await this.#client.feed(kind, from, signal)
      if (unusable > 0) this.#log.warn({ feed: kind, from, unusable }, 'the cloud told entries that say too little')
      const reached = this.#believable(from, entries, lastTimestamp)
      reportedUpTo = Math.max(reportedUpTo, reached)
      const { recorded, isThere } = await this.#store.transaction('readFeed', async (tx) => ({
        recorded: await this.#record(tx, kind, entries),
        isThere: await tx.cloudFeeds.advance(kind, Math.max(earliest, present, reached), moved),
      }))
      fresh += recorded
      // Somebody moved the position meanwhile: the next round begins there.
      if (!isThere) return { fresh, reportedUpTo: 0 }
      if (reached > from) from = reached
      else if (this.#mayHideMore(from, entries)) from += 1
      else break
    }
    await this.#store.cloudFeeds.setCaughtUp(kind, now(), moved)
    return { fresh, reportedUpTo }
  }

  /**
   * The second up to which a page reported everything: never more than the protocol allows for one page, nor past the
   * cloud's own time, so that a wrong number cannot make matches be skipped.
   */
  #believable(from: number, entries: readonly FeedEntryJson[], lastTimestamp: number): number {
    const latest = entries.reduce((latest, { timestamp }) => Math.max(latest, timestamp), from)
    const end = Math.min(lastTimestamp, Math.max(feedEnd(from), latest))
    return this.#client.clock === null ? end : Math.min(end, Math.max(this.#client.clock, latest))
  }

  /** The page was all of one second that is over: it may have been cut there, with more after it. */
  #mayHideMore(from: number, entries: readonly FeedEntryJson[]): boolean {
    const isOver = this.#client.clock !== null && from < this.#client.clock
    return isOver && entries.length > 0 && entries.every(({ timestamp }) => timestamp === from)
  }

  async #record(tx: UnitOfWork, kind: FeedKind, entries: readonly FeedEntryJson[]): Promise<number> {
    const known = await knownTexts(tx, entries)
    const relevant = entries.flatMap((entry) => {
      const text = known.get(keyOf(entry))
      // Rulesets that are not of this appliance, and texts that it never had, are somebody else's in the same account.
      if (!text || (kind === 'retro' && entry.timestamp <= text.clearedUntil)) return []
      return [{ entry, text, sha1: entry.sha1.toLowerCase(), at: entry.timestamp * 1_000_000 }]
    })
    const samples = relevant.map(({ entry, sha1, at }) => ({
      sha1: Buffer.from(sha1, 'hex'),
      size: entry.file_size ?? 0,
      fileType: entry.file_type ?? '',
      seen: at,
    }))
    const ids = await cloudSampleIds(tx, samples)
    const findings = relevant.flatMap(({ entry, text, sha1, at }) =>
      entry.rule.map(({ identifier }): CloudFinding => {
        const { rulesetId, revisionId } = text
        return { rulesetId, revisionId, rule: identifier, sampleId: ids.get(sha1) ?? 0, at }
      }),
    )
    return recordCloudMatches(tx, kind, findings)
  }
}

/** What this appliance knows of the rulesets and texts that entries name. */
async function knownTexts(
  { cloudRulesets }: UnitOfWork,
  entries: readonly FeedEntryJson[],
): Promise<Map<string, KnownText>> {
  const texts = await cloudRulesets.findTexts([...new Set(entries.map(({ ruleset_name }) => ruleset_name))])
  return new Map(texts.map((text) => [`${text.name} ${text.digest}`, text]))
}

function keyOf({ ruleset_name, ruleset_sha1 }: FeedEntryJson): string {
  return `${ruleset_name} ${ruleset_sha1.toLowerCase()}`
}
