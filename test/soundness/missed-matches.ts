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
import { mayMatch, PlanBatch, planRuleset, type RulesetPlan } from '../../src/planner/index.ts'
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

/** Checks every rule, each a text of its own, against every sample. `folder` is for segment files. */
export function missedMatches(
  samples: readonly Uint8Array[],
  rules: readonly { readonly name: string; readonly text: string }[],
  layers: Layers,
  folder: string,
): Verdict {
  mkdirSync(folder, { recursive: true })
  const scan = engineFor(rules.map(({ text }) => text).join('\n'))
  const plans = rules.map(({ text }) => layers.plan(text).plan)
  const batch = new PlanBatch(plans)
  const missed: string[] = []
  let matches = 0
  let candidates = 0
  for (let from = 0; from < samples.length; from += SEGMENT_SAMPLES) {
    const some = samples.slice(from, from + SEGMENT_SAMPLES)
    const signed = some.map((bytes, n) => ({ id: from + n, record: layers.sign(bytes, digestsOf(bytes)) }))
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
    for (const [n, bytes] of some.entries()) {
      const names = scan(bytes)
      const view = SignatureView.of((signed[n] as SignedSample).record)
      for (const [r, { name }] of rules.entries()) {
        if (!names.has(name)) continue
        matches++
        const plan = plans[r]
        if (plan !== undefined && !mayMatch(plan, view)) missed.push(`${name} on sample ${from + n}, by its signature`)
        if (!found[r]?.has(from + n)) missed.push(`${name} on sample ${from + n}, in its segment`)
      }
    }
  }
  return { matches, candidates, missed }
}

function digestsOf(bytes: Uint8Array): SampleDigests {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}
