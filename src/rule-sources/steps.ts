/**
 * What a synchronization does, file by file, decided from what the source has now and what is known of it. A preview
 * shows the same steps that a synchronization takes.
 */
import { createHash } from 'node:crypto'
import { rulesetNameOf, rulesetNamesOf } from '../rulesets/index.ts'
import type { RulesetOfSource, StoredSourceFile } from '../store/index.ts'

export type StepKind =
  /** No ruleset was made of it yet, and one is to be: `create`, or to be offered only. */
  | 'create'
  | 'offer'
  /** Its text is another than the ruleset's. */
  | 'update'
  | 'keep'
  /** It is back, and its ruleset was disabled for its absence. */
  | 'restore'
  /** Its ruleset was edited here, which the source does not undo. */
  | 'detached'
  /** Its ruleset was deleted here. */
  | 'declined'
  /** It is not in the source any more. */
  | 'disable'
  | 'delete'
  | 'forget'

export interface Step<Text extends PathAndDigest> {
  readonly kind: StepKind
  readonly path: string
  /** The ruleset, or what it would be called. */
  readonly name: string
  /** What the source has; null where it has it no more. */
  readonly text: Text | null
  /** The ruleset that came from it; null where there is none. */
  readonly ruleset: RulesetOfSource | null
  readonly known: StoredSourceFile | null
}

export interface PathAndDigest {
  readonly path: string
  readonly digest: string
}

export interface Known {
  readonly sourceName: string
  readonly deletes: boolean
  readonly files: readonly StoredSourceFile[]
  readonly rulesets: readonly RulesetOfSource[]
  /** Of all rulesets: a new one gets none of them. */
  readonly names: ReadonlySet<string>
}

export interface Wanted {
  /** Rulesets are made of new files. */
  readonly create: boolean
  /** What was edited or deleted here is taken from the source again. */
  readonly overwrite: boolean
}

/** `unreadable`: paths of rule files that are there and could not be read; what came from them stays. */
export function stepsOf<Text extends PathAndDigest>(
  texts: readonly Text[],
  unreadable: ReadonlySet<string>,
  known: Known,
  { create, overwrite }: Wanted,
): Step<Text>[] {
  const files = new Map(known.files.map((file) => [file.path, file]))
  const rulesets = new Map(known.rulesets.map((ruleset) => [ruleset.path, ruleset]))
  const here = new Set(texts.map(({ path }) => path))
  const names = new Names(known)
  const wished = rulesetNamesOf(texts.map(({ path }) => path))
  const steps = texts.map((text, i): Step<Text> => {
    const { path } = text
    const ruleset = rulesets.get(path) ?? null
    const file = files.get(path) ?? null
    const step = { path, text, ruleset, known: file, name: ruleset?.name ?? '' }
    if (ruleset === null) {
      const isDeclined = file !== null && file.digest !== null && !overwrite
      const kind = isDeclined ? 'declined' : create || overwrite ? 'create' : 'offer'
      return { ...step, kind, name: names.free(wished[i] ?? '', path) }
    }
    // The same text from elsewhere, such as from an appliance that follows the source too, is no edit.
    const isEdited = !ruleset.isCurrent && ruleset.digest !== text.digest
    if (isEdited) return { ...step, kind: overwrite ? 'update' : 'detached' }
    if (!ruleset.isCurrent) return { ...step, kind: 'update' }
    if (file?.digest !== text.digest) return { ...step, kind: 'update' }
    return { ...step, kind: file.disabled && !ruleset.enabled ? 'restore' : 'keep' }
  })
  const gone = new Set([...rulesets.keys(), ...files.keys()].filter((path) => !here.has(path) && !unreadable.has(path)))
  for (const path of [...gone].sort()) {
    const ruleset = rulesets.get(path) ?? null
    const file = files.get(path) ?? null
    const step = { path, text: null, ruleset, known: file, name: ruleset?.name ?? '' }
    if (ruleset === null) steps.push({ ...step, kind: 'forget' })
    else if (!ruleset.isCurrent) steps.push({ ...step, kind: 'detached' })
    else if (known.deletes) steps.push({ ...step, kind: 'delete' })
    else if (file?.state !== 'gone') steps.push({ ...step, kind: 'disable' })
  }
  return steps
}

/** Names that no other ruleset has. */
class Names {
  readonly #taken: Set<string>
  readonly #sourceName: string

  constructor({ names, sourceName }: Known) {
    this.#taken = new Set(names)
    this.#sourceName = sourceName
  }

  /** The wished one where it is free; else with the source's name, and else with a digest, before and behind it. */
  free(wished: string, path: string): string {
    const digest = createHash('sha256').update(`${this.#sourceName}\n${path}`).digest('hex').slice(0, 8)
    const candidates = [
      wished,
      rulesetNameOf(`${this.#sourceName}_${wished}`.replaceAll('/', '_')),
      `${[...wished].slice(0, 39).join('')}_${digest}`,
    ]
    const name = candidates.find((one) => !this.#taken.has(one)) ?? `source_${digest}`
    this.#taken.add(name)
    return name
  }
}
