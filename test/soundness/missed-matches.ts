/**
 * The check that soundness stands on: what the engine finds in a sample, no plan may rule out, neither against the
 * sample's own signature (live matching) nor against a segment (hunts). Each layer can be replaced, so that a test can
 * break one on purpose and see that the check tells; the program itself has no such switch.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type SampleDigests,
  SegmentReader,
  SignatureView,
  type SignedSample,
  sign,
  writeSegment,
} from '../../src/index/index.ts'
import { mayMatch, type Plan, PlanBatch, planRuleset, type RulesetPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFactsOf, engineFor } from '../planner/engine.ts'

export interface Layers {
  /** The signature record of a sample. */
  readonly sign: (bytes: Uint8Array, digests: SampleDigests) => Uint8Array
  /** The plans of a text. */
  readonly plan: (text: string) => RulesetPlan
  /** Writes a segment file. */
  readonly write: (path: string, samples: readonly SignedSample[]) => void
}

/** The layers as the program uses them. */
export const asBuilt: Layers = {
  sign: (bytes, digests) => sign(bytes, digests, engineFactsOf(bytes)),
  plan: (text) => planRuleset(parse(text)),
  write: (path, samples) => void writeSegment(path, samples),
}

export interface Verdict {
  /** (rule, sample) pairs that the engine finds. */
  readonly matches: number
  /** Pairs that the plans do not rule out, in the segments. */
  readonly candidates: number
  /** In words; empty when the layers are sound. */
  readonly missed: readonly string[]
}

const SEGMENT_SAMPLES = 40

/** Samples, and rules, each a text of its own, with what the engine finds: that is the same whatever is broken. */
export class Corpus {
  readonly samples: readonly Uint8Array[]
  readonly rules: readonly { readonly name: string; readonly text: string }[]
  /** The names of the rules that match, of each sample. */
  readonly found: readonly ReadonlySet<string>[]
  readonly #digests: readonly SampleDigests[]
  /** The records and the plans of `asBuilt`: each break leaves one of both as it is. */
  #signed: readonly Uint8Array[] | null = null
  #planned: readonly Plan[] | null = null

  constructor(
    samples: readonly Uint8Array[],
    rules: Corpus['rules'],
    found: Corpus['found'] = scanned(samples, rules),
  ) {
    this.samples = samples
    this.rules = rules
    this.found = found
    this.#digests = samples.map(digestsOf)
  }

  /** The signature records of all samples. */
  signed(by: Layers['sign']): readonly Uint8Array[] {
    const sign = () => this.samples.map((bytes, n) => by(bytes, this.#digests[n] as SampleDigests))
    if (by !== asBuilt.sign) return sign()
    this.#signed ??= sign()
    return this.#signed
  }

  /** The plans of all rules. */
  planned(by: Layers['plan']): readonly Plan[] {
    const plan = () => this.rules.map(({ text }) => by(text).plan)
    if (by !== asBuilt.plan) return plan()
    this.#planned ??= plan()
    return this.#planned
  }

  /** Those of its samples that are picked, with the same rules. */
  only(isPicked: (sample: Uint8Array) => boolean): Corpus {
    const found = this.found.filter((_, n) => isPicked(this.samples[n] as Uint8Array))
    return new Corpus(this.samples.filter(isPicked), this.rules, found)
  }
}

function scanned(samples: readonly Uint8Array[], rules: Corpus['rules']): ReadonlySet<string>[] {
  const scan = engineFor(rules.map(({ text }) => text).join('\n'))
  return samples.map((bytes) => scan(bytes))
}

/** Checks every rule against every sample. `folder` is for segment files. */
export function missedMatches(corpus: Corpus, layers: Layers, folder: string): Verdict {
  mkdirSync(folder, { recursive: true })
  const { samples, rules } = corpus
  const plans = corpus.planned(layers.plan)
  const batch = new PlanBatch(plans)
  const records = corpus.signed(layers.sign)
  const missed: string[] = []
  let matches = 0
  let candidates = 0
  for (let from = 0; from < samples.length; from += SEGMENT_SAMPLES) {
    const signed = records.slice(from, from + SEGMENT_SAMPLES).map((record, n) => ({ id: from + n, record }))
    const path = join(folder, `${from}.segment`)
    layers.write(path, signed)
    const reader = SegmentReader.open(path)
    let found: Set<number>[]
    try {
      found = batch.candidates(reader, null).map((ids) => new Set(ids))
    } finally {
      reader.close()
    }
    for (const ids of found) candidates += ids.size
    for (const { id, record } of signed) {
      const names = corpus.found[id]
      const view = SignatureView.of(record)
      for (const [r, { name }] of rules.entries()) {
        if (!names?.has(name)) continue
        matches++
        const plan = plans[r]
        if (plan !== undefined && !mayMatch(plan, view)) missed.push(`${name} on sample ${id}, by its signature`)
        if (!found[r]?.has(id)) missed.push(`${name} on sample ${id}, in its segment`)
      }
    }
  }
  return { matches, candidates, missed }
}

function digestsOf(bytes: Uint8Array): SampleDigests {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}
