/**
 * What the index costs and gives on real files: signing speed, segments as intake and merging make them, their share of
 * the corpus, and what the rulesets would read. Every answer of the segments is compared with the signatures, and some
 * signatures with the files, before anything is printed.
 *
 *     node bench/index/segments.ts ../shared/rules/reversinglabs FOLDER…
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  mergeSegments,
  planMerge,
  SegmentReader,
  type SegmentSummary,
  SignatureView,
  sign,
  writeSegment,
} from '../../src/index/index.ts'
import { mayMatch, PlanBatch } from '../../src/planner/index.ts'
import { argumentsOf, digestsOf, filesUnder, plansUnder, quantile } from './material.ts'

/** As intake commits them. */
const BATCH = 64

const { rules, folders } = argumentsOf('bench/index/segments.ts')
const files = filesUnder(folders)
const plans = plansUnder(rules)
const folder = mkdtempSync(join(tmpdir(), 'backtrail-segments-'))
process.on('exit', () => rmSync(folder, { recursive: true }))

const timed = <T>(work: () => T): { result: T; ms: number } => {
  const start = performance.now()
  const result = work()
  return { result, ms: performance.now() - start }
}
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
const percent = (part: number, whole: number) => `${((part / whole) * 100).toFixed(2)} %`

interface LiveSegment extends SegmentSummary {
  readonly path: string
  readonly deleted: number
}

let corpusBytes = 0
let recordBytes = 0
let signMs = 0
let writeMs = 0
let mergeMs = 0
let mergedBytes = 0
let fillSum = 0
let live: LiveSegment[] = []
let batch: { id: number; record: Uint8Array }[] = []
const sizes = new Float64Array(files.length + 1)
const expected = plans.map((): number[] => [])

function commit(): void {
  if (batch.length === 0) return
  const path = join(folder, `${batch[0]?.id}-0`)
  const { result, ms } = timed(() => writeSegment(path, batch))
  writeMs += ms
  live.push({ ...result, path, deleted: 0 })
  batch = []
  for (let merge = planMerge(live); merge !== null; merge = planMerge(live)) {
    const inputs = live.slice(merge.from, merge.to)
    const output = join(folder, `${inputs[0]?.firstId}-${inputs.at(-1)?.lastId}`)
    const paths = inputs.map((segment) => segment.path)
    const merged = timed(() => mergeSegments(paths, output, []))
    mergeMs += merged.ms
    mergedBytes += merged.result?.bytes ?? 0
    for (const old of paths) rmSync(old)
    const segment = { ...(merged.result as SegmentSummary), path: output, deleted: 0 }
    live = [...live.slice(0, merge.from), segment, ...live.slice(merge.to)]
  }
}

for (const [i, path] of files.entries()) {
  const id = i + 1
  const bytes = readFileSync(path)
  const digests = digestsOf(bytes)
  const { result: record, ms } = timed(() => sign(bytes, digests))
  signMs += ms
  corpusBytes += bytes.length
  recordBytes += record.length
  sizes[id] = bytes.length
  const view = SignatureView.of(record)
  fillSum += fillOf(view)
  if (i % 50 === 0)
    for (let at = 0; at + 4 <= bytes.length; at += 97)
      if (!view.has('plain', foldedWindow(bytes, at))) throw new Error(`${path}: a window is missing`)
  plans.forEach(({ ruleset }, p) => {
    if (mayMatch(ruleset.plan, view)) expected[p]?.push(id)
  })
  batch.push({ id, record })
  if (batch.length === BATCH) commit()
}
commit()

const indexBytes = live.reduce((sum, { bytes }) => sum + bytes, 0)
const readers = live.map(({ path }) => SegmentReader.open(path))
const shares: number[] = []
const once: number[] = []
const again: number[] = []
for (const times of [once, again]) {
  plans.forEach(({ name, ruleset }, p) => {
    const { result: found, ms } = timed(() => {
      const planBatch = new PlanBatch([ruleset.plan])
      return readers.flatMap((reader) => [...(planBatch.candidates(reader, null)[0] as Uint32Array)])
    })
    if (found.join() !== expected[p]?.join()) throw new Error(`${name}: the segments disagree with the signatures`)
    times.push(ms)
    if (times === once) shares.push(found.reduce((sum, id) => sum + (sizes[id] as number), 0) / corpusBytes)
  })
}
const together = timed(() => {
  const planBatch = new PlanBatch(plans.map(({ ruleset }) => ruleset.plan))
  return readers.map((reader) => planBatch.candidates(reader, null))
})
plans.forEach(({ name }, p) => {
  const found = together.result.flatMap((candidates) => [...(candidates[p] as Uint32Array)])
  if (found.join() !== expected[p]?.join()) throw new Error(`${name}: together, the plans give another answer`)
})
const check = timed(() => {
  for (const reader of readers) reader.check()
})
const groups = readers.flatMap((reader) => reader.groups)
const loose = groups.filter(({ layout }) => layout === 'loose').reduce((sum, { count }) => sum + count, 0)
for (const reader of readers) reader.close()

const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
console.log(`corpus       ${files.length} files, ${megabytes(corpusBytes)} MB; ${plans.length} rulesets`)
console.log(
  `signing      ${(corpusBytes / 1e3 / signMs).toFixed(0)} MB/s, mean fill ${(fillSum / files.length).toFixed(3)}`,
)
console.log(`records      ${megabytes(recordBytes)} MB, ${percent(recordBytes, corpusBytes)}`)
console.log(`segments     ${megabytes(indexBytes)} MB, ${percent(indexBytes, corpusBytes)}, in ${live.length} files`)
console.log(`             of ${live.map(({ samples }) => samples).join(', ')} samples`)
console.log(`groups       ${groups.length}; ${loose} samples are loose`)
console.log(`writing      ${(writeMs / (files.length / BATCH)).toFixed(1)} ms a batch of ${BATCH}`)
console.log(`merging      ${(mergeMs / 1e3).toFixed(1)} s, ${(mergedBytes / 1e3 / mergeMs).toFixed(0)} MB/s written`)
console.log(`full check   ${(indexBytes / 1e3 / check.ms).toFixed(0)} MB/s`)
console.log(
  `ruleset reads  mean ${(mean * 100).toFixed(3)} %, median ${(quantile(shares, 0.5) * 100).toFixed(3)} %, p95 ${(quantile(shares, 0.95) * 100).toFixed(3)} %`,
)
for (const [what, times] of [
  ['first', once],
  ['again', again],
] as const)
  console.log(
    `evaluating one ruleset, ${what}: median ${quantile(times, 0.5).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms`,
  )
console.log(`evaluating all together: ${together.ms.toFixed(0)} ms`)

function foldedWindow(bytes: Uint8Array, at: number): number {
  const folded = Buffer.from(bytes.subarray(at, at + 4))
    .toString('latin1')
    .replace(/[A-Z]/g, (c) => c.toLowerCase())
  return Buffer.from(folded, 'latin1').readUInt32LE()
}

function fillOf({ bytes }: SignatureView): number {
  let set = 0
  for (const byte of bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) set++
  return bytes.length === 0 ? 1 : set / (bytes.length * 8)
}
