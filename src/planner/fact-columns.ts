import { HEAD_BYTES, type SegmentGroup, SIGNERS_UNKNOWN, type SignerColumns } from '../index/index.ts'
import { memoized } from './memoized.ts'
import type { NamedSamples } from './named-samples.ts'
import type { Fact } from './plan.ts'
import { programColumns } from './program-match.ts'
import { signerHashes } from './signature-match.ts'

/**
 * Sets the samples of a group for which a fact holds or cannot be decided: bit `s & 31` of word `s >> 5`. `columns` are
 * zeros at first. Says the same as `factMayHold` does of each sample. Without `named`, nothing is known of variables.
 */
export function factColumns(fact: Fact, group: SegmentGroup, columns: Uint32Array, named: NamedSamples | null): void {
  const { count } = group
  const set = (sample: number) => {
    columns[sample >> 5] = (columns[sample >> 5] as number) | (1 << (sample & 31))
  }
  const { sizes } = group
  switch (fact.kind) {
    case 'size':
      for (let s = 0; s < count; s++) {
        const size = sizes[s] as number
        if (size >= fact.min && size <= fact.max) set(s)
      }
      return
    case 'bytes': {
      const { offset, value, mask } = fact
      const end = offset + value.length
      for (let s = 0; s < count; s++) if ((sizes[s] as number) >= end) set(s)
      for (let i = 0; i < value.length && offset + i < HEAD_BYTES; i++) {
        if (mask[i] === 0) continue
        const bytes = group.head(offset + i)
        for (let s = 0; s < count; s++) {
          if (((bytes[s] as number) & (mask[i] as number)) !== value[i]) clear(columns, s)
        }
      }
      return
    }
    case 'integer': {
      const { offset, width, signed, bigEndian, min, max } = fact
      const end = offset + width
      const decidable = end <= HEAD_BYTES
      const heads = Array.from({ length: decidable ? width : 0 }, (_, i) =>
        group.head(bigEndian ? offset + i : end - 1 - i),
      )
      const half = 256 ** width / 2
      for (let s = 0; s < count; s++) {
        if ((sizes[s] as number) < end) continue
        let read = 0
        for (const bytes of heads) read = read * 256 + (bytes[s] as number)
        if (signed && read >= half) read -= 2 * half
        if (!decidable || (read >= min && read <= max)) set(s)
      }
      return
    }
    case 'signer': {
      const signers = group.signers()
      if (signers === null) {
        for (let s = 0; s < count; s++) set(s)
        return
      }
      const { unknown, byHash } = signedSamples(signers)
      unknown.forEach(set)
      for (const hash of signerHashes(fact)) byHash.get(hash)?.forEach(set)
      return
    }
    case 'program':
    case 'programText':
    case 'entry':
      programColumns(fact, group, set)
      return
    case 'variable':
      if (named === null) for (let s = 0; s < count; s++) set(s)
      else named.mayHold(fact, group.ids, set)
      return
    case 'hash': {
      const digests = group.digests(fact.algorithm)
      const { digest } = fact
      for (let s = 0; s < count; s++) {
        const at = s * digest.length
        let i = 0
        while (i < digest.length && digests[at + i] === digest[i]) i++
        if (i === digest.length) set(s)
      }
      return
    }
  }
}

interface SignedSamples {
  /** Samples whose signers are not known. */
  readonly unknown: readonly number[]
  /** Samples by the hash of a signer. */
  readonly byHash: ReadonlyMap<number, readonly number[]>
}

/** Blocklists ask a group hundreds of times, and few of its samples are signed. */
const signedSamples = memoized(({ counts, hashes }: SignerColumns): SignedSamples => {
  const unknown: number[] = []
  const byHash = new Map<number, number[]>()
  let at = 0
  counts.forEach((count, s) => {
    if (count === SIGNERS_UNKNOWN) {
      unknown.push(s)
      return
    }
    for (const end = at + count; at < end; at++) {
      const hash = hashes[at] as number
      const samples = byHash.get(hash)
      if (samples === undefined) byHash.set(hash, [s])
      else samples.push(s)
    }
  })
  return { unknown, byHash }
})

function clear(columns: Uint32Array, sample: number): void {
  columns[sample >> 5] = (columns[sample >> 5] as number) & ~(1 << (sample & 31))
}
