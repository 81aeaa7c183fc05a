/**
 * One search over everything that an analyst works with. Each kind of thing is looked up by itself, bounded in what it
 * reads and in what it answers; the lists of the pages have the rest. It finds what these lists show every account:
 * samples, rulesets of the installation and ad-hoc hunts, and nothing of tenants.
 */
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Condition } from '../query/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { Sample, Samples } from '../samples/index.ts'
import type { ListedHunt, RulesetEntry, Store } from '../store/index.ts'
import { digitsOf, readPasted, tlshDigitsOf } from './pasted.ts'
import { type FoundInRules, RuleTexts } from './rule-texts.ts'

/** Of each kind. */
const MOST = 8
const MOST_LINES = 12
/** Of one search, and how many of their samples are answered. */
const MOST_HASHES = 2_000
const MOST_OF_HASHES = 100
/** Characters of a text that is no list of hashes. */
const LONGEST_SEARCHED = 500
/** Characters of a name, a tag or a title. */
const LONGEST_NAME = 200
/** What the walk over names of samples may take. */
const NAMES_MS = 250
/** Shorter parts of names are in nearly all of them. */
const LEAST_OF_A_NAME = 2
const LEAST_OF_A_LINE = 3

export interface EverythingFound {
  /** The ones with such a digest first, then by name, last seen first. */
  readonly samples: readonly Sample[]
  /** There are more, or not all could be looked at. */
  readonly hasMoreSamples: boolean
  /** Where hashes were searched for: how many, and which of them no sample has. */
  readonly hashes: { readonly asked: number; readonly unknown: readonly string[] } | null
  readonly sampleTags: readonly string[]
  readonly rulesetTags: readonly { readonly tag: string; readonly rulesets: number }[]
  readonly rulesets: readonly RulesetEntry[]
  /** How many rulesets have it in their name or their owner's. */
  readonly rulesetCount: number
  readonly rules: readonly FoundInRules[]
  readonly lines: readonly FoundInRules[]
  readonly hunts: readonly ListedHunt[]
  /** False where not all texts of rules could be searched in time. */
  readonly isComplete: boolean
}

const nothing: EverythingFound = {
  samples: [],
  hasMoreSamples: false,
  hashes: null,
  sampleTags: [],
  rulesetTags: [],
  rulesets: [],
  rulesetCount: 0,
  rules: [],
  lines: [],
  hunts: [],
  isComplete: true,
}

export class Search {
  readonly #store: Store
  readonly #samples: Samples
  readonly #rulesets: Rulesets
  readonly #ruleTexts: RuleTexts

  constructor(parts: { readonly store: Store; readonly samples: Samples; readonly rulesets: Rulesets }) {
    this.#store = parts.store
    this.#samples = parts.samples
    this.#rulesets = parts.rulesets
    this.#ruleTexts = new RuleTexts(parts.store)
  }

  /** Fails with `parameter.out-of-range` for too many hashes, and for a text that is too long. */
  async find(by: Account, asked: string, signal: AbortSignal): Promise<EverythingFound> {
    const pasted = readPasted(asked)
    if (pasted.kind === 'nothing') return nothing
    if (pasted.kind === 'hashes') return { ...nothing, ...(await this.#byHashes(pasted.hashes)) }
    const { text } = pasted
    if (text.length > LONGEST_SEARCHED) {
      throw new Failure(
        'parameter.out-of-range',
        `Parameter not in expected range: search for up to ${LONGEST_SEARCHED} characters, or for hashes.`,
      )
    }
    const found = { ...nothing, ...(await this.#samplesLike(text)) }
    signal.throwIfAborted()
    const inRules =
      text.length >= LEAST_OF_A_LINE
        ? await this.#ruleTexts.find(text, MOST_LINES, signal)
        : { rules: [], lines: [], isComplete: true }
    return { ...found, ...(await this.#named(by, text)), ...inRules, rules: inRules.rules.slice(0, MOST) }
  }

  stop(): Promise<void> {
    return this.#ruleTexts.stop()
  }

  async #byHashes(hashes: readonly string[]) {
    if (hashes.length > MOST_HASHES) {
      throw new Failure(
        'parameter.out-of-range',
        `Parameter not in expected range: these are ${hashes.length} hashes; search for up to ${MOST_HASHES} at once.`,
      )
    }
    const found = await this.#samples.findMany(hashes)
    const samples = [...new Map([...found.values()].map((sample) => [sample.id, sample])).values()]
    return {
      samples: samples.slice(0, MOST_OF_HASHES),
      hasMoreSamples: samples.length > MOST_OF_HASHES,
      hashes: { asked: hashes.length, unknown: hashes.filter((hash) => !found.has(hash)) },
    }
  }

  async #samplesLike(text: string): Promise<Pick<EverythingFound, 'samples' | 'hasMoreSamples'>> {
    const conditions: Condition[] = []
    const digits = digitsOf(text)
    if (digits !== null) conditions.push({ kind: 'hash', of: 'any', digits })
    const tlsh = tlshDigitsOf(text)
    if (tlsh !== null) conditions.push({ kind: 'tlsh', digits: tlsh })
    if (digits?.length === 32) {
      const pattern = [digits]
      const of = (['imphash', 'rich-hash'] as const).map((field) => ({ kind: 'program', field, pattern }) as const)
      conditions.push({ kind: 'any', of })
    }
    if (text.length >= LEAST_OF_A_NAME && text.length <= LONGEST_NAME) {
      const any = { wildcard: 'many' } as const
      conditions.push({ kind: 'text', field: 'latestname', pattern: [any, text, any] })
    }
    const ids = new Set<number>()
    let hasMore = false
    // One after the other: what an index answers is not held up by the walk over names.
    for (const condition of conditions) {
      const { found, next } = await this.#store.sampleSearch.find(condition, {
        ...{ limit: MOST, after: null, budgetMs: NAMES_MS },
        order: { by: 'lastSeen', ascending: false },
      })
      for (const { id } of found) ids.add(id)
      hasMore ||= next !== null
    }
    const samples = await this.#samples.byIds([...ids].slice(0, MOST))
    return {
      samples: [...ids].flatMap((id) => samples.get(id) ?? []),
      hasMoreSamples: hasMore || ids.size > MOST,
    }
  }

  async #named(by: Account, text: string) {
    if (text.length < LEAST_OF_A_NAME || text.length > LONGEST_NAME) return {}
    const { count, results } = await this.#rulesets.list(by, {
      ...{ type: 'all', status: 'all', source: 'all', search: text },
      page: { number: 1, size: MOST },
    })
    const small = text.toLowerCase()
    const rulesetTags = await this.#store.rulesetTags.count()
    return {
      rulesets: results,
      rulesetCount: count,
      sampleTags: await this.#store.tags.findLike(text, MOST),
      rulesetTags: rulesetTags.filter(({ tag }) => tag.toLowerCase().includes(small)).slice(0, MOST),
      hunts: await this.#store.hunts.findTitled(text, MOST),
    }
  }
}
