/** What a synchronization would do, and what would come of it: shown before anything is changed. */
import { readFile } from 'node:fs/promises'
import { Failure } from '../errors/index.ts'
import type { Checker } from '../rulesets/index.ts'
import { placeIn } from '../yara/index.ts'
import type { FetchedText } from './fetching/order.ts'
import type { Step, StepKind } from './steps.ts'

export interface Share {
  readonly samples: number
  readonly bytes: number
}

/** Asks the index what hunting with some texts would read; see `explain` of src/hunts. */
export type Explain = (
  texts: readonly { readonly name: string; readonly content: string }[],
  signal: AbortSignal,
) => Promise<{
  readonly corpus: Share
  readonly texts: readonly {
    readonly name: string
    readonly expected: Share
    readonly rules: readonly { readonly name: string; readonly isPrivate: boolean; readonly expected: Share }[]
  }[]
}>

export interface PreviewedFile {
  readonly path: string
  readonly ruleset: string
  readonly step: StepKind
  /** Null where its text was not looked at, since nothing would be done with it. */
  readonly runs: boolean | null
  /** What does not compile, with file and line; some of it may run all the same. */
  readonly problems: readonly string[]
  /** What the engine would have to read of the corpus; null where that is not known. */
  readonly expected: Share | null
  /** Rules for which a large part of the corpus would have to be read: many of them match too much. */
  readonly broadRules: readonly string[]
}

export interface Preview {
  readonly version: string
  readonly corpus: Share | null
  readonly files: readonly PreviewedFile[]
  readonly unreadable: readonly { readonly path: string; readonly message: string }[]
}

/** A rule that cannot be decided by the index for this part of the samples is named. */
const BROAD_SHARE = 0.1
const MOST_PROBLEMS = 20
const MOST_RULES = 20
/** Texts that are asked about together. */
const TEXTS_AT_ONCE = 100
const BYTES_AT_ONCE = 4 * 1024 * 1024

const looksAt: ReadonlySet<StepKind> = new Set(['create', 'offer', 'update'])

export async function previewSteps(
  steps: readonly Pick<Step<FetchedText>, 'kind' | 'path' | 'name' | 'text'>[],
  { checker, explain }: { readonly checker: Checker; readonly explain: Explain },
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly files: readonly PreviewedFile[]; readonly corpus: Share | null }> {
  const files: PreviewedFile[] = []
  const batch: { index: number; name: string; content: string }[] = []
  let corpus: Share | null = null
  const flush = async () => {
    const asked = batch.splice(0)
    if (asked.length === 0) return
    const explained = await explain(asked, signal).catch((error: unknown) => {
      // A text that compiled a moment ago and does not now, on a busy machine: its costs stay unknown.
      if (error instanceof Failure) return null
      throw error
    })
    if (explained === null) return
    corpus = explained.corpus
    const isBroad = ({ samples }: Share) => samples > 0 && samples >= BROAD_SHARE * explained.corpus.samples
    for (const [i, { index }] of asked.entries()) {
      const text = explained.texts[i]
      const file = files[index]
      if (text === undefined || file === undefined) continue
      const broad = text.rules
        .filter(({ isPrivate, expected }) => !isPrivate && isBroad(expected))
        .map(({ name }) => name)
      files[index] = { ...file, expected: text.expected, broadRules: broad.slice(0, MOST_RULES) }
    }
  }
  let bytes = 0
  for (const [done, { kind, path, name, text }] of steps.entries()) {
    signal.throwIfAborted()
    onProgress(done, steps.length)
    const file = { path, ruleset: name, step: kind, runs: null, problems: [], expected: null, broadRules: [] }
    if (text === null || !looksAt.has(kind)) {
      files.push(file)
      continue
    }
    const content = await readFile(text.file, 'utf8')
    const { runs, problems, isWhole } = await checkText(checker, content, text)
    if (runs && isWhole) {
      batch.push({ index: files.length, name: `${done}`, content })
      bytes += content.length
    }
    files.push({ ...file, runs, problems: problems.slice(0, MOST_PROBLEMS) })
    if (batch.length >= TEXTS_AT_ONCE || bytes >= BYTES_AT_ONCE) {
      await flush()
      bytes = 0
    }
  }
  await flush()
  return { files, corpus }
}

/** Whether something of a text runs, and what does not, as sentences with file and line. */
export async function checkText(
  checker: Checker,
  content: string,
  { pieces }: Pick<FetchedText, 'pieces'>,
): Promise<{ readonly runs: boolean; readonly isWhole: boolean; readonly problems: readonly string[] }> {
  const { valid, diagnostics, leftOut = [] } = await checker.check(content, true)
  const at = (line: number, column: number) => {
    const place = placeIn(pieces, line, column)
    return `${place.path}:${place.line}:${place.column}`
  }
  const problems = valid
    ? leftOut.map(
        ({ kind, name, line, column, reason }) => `${at(line, column)}: ${kind} ${name} is left out: ${reason}`,
      )
    : diagnostics
        .filter(({ severity }) => severity === 'error')
        .map(({ line, column, message }) => `${at(line, column)}: ${message}`)
  return { runs: valid, isWhole: leftOut.length === 0, problems }
}
