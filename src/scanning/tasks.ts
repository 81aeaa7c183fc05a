/**
 * What the server process asks of the worker processes. Inputs and outputs travel as structured clones, so they hold
 * plain data and typed arrays only.
 *
 * Rulesets are sent once: a task names a *rule set* by its id, and the pool makes sure that the worker knows that set
 * (and the texts and plans of its rulesets, each sent once per worker by `key`) before the task reaches it.
 */

import type { Identification } from '../identification/index.ts'
import type { PackedNames, PlannedText } from '../planner/index.ts'
import type { ProgramFacts } from '../programs/index.ts'
import type { Diagnostic, LeftOut, RulePart } from '../yara/index.ts'

/** A ruleset as workers run it. The text behind a `key` never changes: `r<revision id>`, or `h<hunt id>.<n>` ad hoc. */
export interface RunnableRuleset {
  readonly key: string
  readonly name: string
  readonly content: string
  /** In its stored form, which only workers read: `writePlan` of the planner. One that is damaged demands nothing. */
  readonly plan: string
  /** Its hits carry the first match of each string, even where the task asks for no strings. */
  readonly firstStrings?: boolean
  /** Where it is one rule of a text, with what that needs; `content` is the part's. */
  readonly part?: TextPart
}

/** The part of a text: of all its rules only `rule` is reported. */
export interface TextPart extends RulePart {
  /** Key of the ruleset that the text is. */
  readonly text: string
  /** Some rule of the text may ask for names: then all hits carry the name that they were found under. */
  readonly asksForNames: boolean
}

/** Rulesets that are evaluated together: `live:<generation>`, `hunt:<id>`. The rulesets behind an id never change. */
export interface RuleSet {
  readonly id: string
  readonly rulesets: readonly RunnableRuleset[]
}

/** The usual external variables; all are text and default to ''. */
export interface ExternalVariables {
  readonly filename: string
  readonly filepath: string
  readonly extension: string
  readonly filetype: string
  readonly owner: string
}

/** Those that depend on how a sample is called, and may differ from one time it was seen to another. */
export type NameVariables = Omit<ExternalVariables, 'filetype'>

/** A file's size and digests. */
export interface Digests {
  readonly size: number
  readonly sha256: Uint8Array
  readonly sha1: Uint8Array
  readonly md5: Uint8Array
  readonly sha512: Uint8Array
}

export type { Identification }

export interface RuleHit {
  /** `key` of the ruleset. */
  readonly ruleset: string
  readonly rule: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string | number | boolean>>
  /** Filled only when the task asked for strings, or the ruleset does. */
  readonly strings: readonly StringHit[]
  /** The file name that the rule held for; left out where the ruleset asks for none. */
  readonly name?: string
  /** Further ones of the sample that it held for. */
  readonly otherNames?: readonly string[]
}

export interface StringHit {
  readonly identifier: string
  readonly offset: number
  readonly length: number
  /** Up to 16 bytes before, the match (at most 32 bytes of it), and up to 16 after. */
  readonly context: Uint8Array
  /** Where the match starts in `context`. */
  readonly contextStart: number
}

/** A ruleset that could not be run to its end on a sample. */
export interface ScanError {
  readonly ruleset: string
  /**
   * - `timeout`, `crash`, `memory`, `engine`: what the ruleset did on this sample.
   * - `quarantine`: it was not run, since it could not be run on others, or cannot be compiled.
   * - `module`: it was not run, since a module of the engine that it imports fails on this sample, whatever the rules.
   * - `unreadable`: the sample is at fault, whatever the ruleset; it cannot be read, or the engine fails on it.
   */
  readonly reason: 'timeout' | 'crash' | 'memory' | 'engine' | 'quarantine' | 'module' | 'unreadable'
  readonly message: string
}

/** What it took to ask a segment. */
export interface SegmentUse {
  /** Of the file, and their bytes. */
  readonly reads: number
  readonly bytes: number
  /** That a processor worked on it. */
  readonly microseconds: number
}

export interface TaskMap {
  /**
   * Copies a file to `temporary` (overwritten if there) while hashing it; the copy is not synced. `size` is what the
   * file is thought to have: small ones travel to a worker together. A file of up to 64 MB is examined on the way
   * where `examine` asks for it, while its content is at hand.
   */
  copyAndHash: {
    input: {
      readonly source: string
      readonly temporary: string
      readonly size: number
      readonly examine: (Pick<TaskInput<'examine'>, 'ruleSet' | 'variables'> & { readonly upTo: number }) | null
    }
    output: {
      readonly digests: Digests
      /** What `examine` would give; null when that was not asked for, or is better done by a task of its own. */
      readonly examined: TaskOutput<'examine'> | null
    }
  }
  /**
   * Writes what is in the archive at or behind byte `at` of a stored file to new files in `folder`, member by member
   * from number `member` on, while hashing it; up to a slice of so many members and bytes that others get their turn.
   */
  unpack: {
    input: {
      readonly path: string
      readonly size: number
      /** The sample's, for members without one. */
      readonly name: string
      /** It begins as an archive; false where one lies in something else. */
      readonly isArchive: boolean
      readonly isMail: boolean
      readonly folder: string
      readonly at: number
      readonly member: number
      /** What may come out of it yet, and how large one member may be. */
      readonly members: number
      readonly bytes: number
      readonly memberBytes: number
    }
    output: {
      /** Where the archive lies, `to` null where only 7-Zip knows; null when there is none at `at` or behind. */
      readonly part: { readonly from: number; readonly to: number | null } | null
      readonly members: readonly { readonly name: string; readonly temporary: string; readonly digests: Digests }[]
      /** Where to go on in the same archive; null at its end. */
      readonly next: number | null
      /** What only 7-Zip opens, or the rest of it: all of the file, or the new file that the part was copied to. */
      readonly forSevenZip: { readonly path: string } | null
      /** Members that are damaged, and those that are larger than allowed. */
      readonly damaged: number
      readonly oversized: number
      readonly exceeded: 'members' | 'bytes' | null
      readonly note: string | null
    }
  }
  /** Identifies a stored file, computes its signature, and matches it against a rule set through the plans. */
  examine: {
    input: {
      readonly path: string
      /** Stored beside the signature, for plans that ask for a hash. */
      readonly digests: Digests
      readonly ruleSet: string
      readonly variables: NameVariables
      /** Ruleset keys to leave out: they were given up on this sample before. */
      readonly without: readonly string[]
      /** False for a sample above the scan limit: identified, not matched. */
      readonly scan: boolean
    }
    output: {
      readonly identification: Identification
      /** A record of src/index: what a segment writer takes. */
      readonly signature: Uint8Array
      /** What it is made of; null for what is no program, or is not known. */
      readonly program: ProgramFacts | null
      readonly hits: readonly RuleHit[]
      readonly errors: readonly ScanError[]
    }
  }
  /**
   * Compiles a text in a bounded process of its own, and tries it on small samples. One that cannot be compiled within
   * time and memory is not valid, with a diagnostic `compile-timeout`, `compile-memory` or `compile-crash`; one that
   * compiles but cannot be run has `trial-timeout`, `trial-memory`, `trial-crash` or `trial-failed`.
   */
  check: {
    /** `partial`: a text of which some rules do not compile is valid when the others do; see src/yara/left-out.ts. */
    input: {
      readonly content: string
      readonly partial?: boolean
      /** Of a text that compiles: rules that are to be left out besides, with what depends on them. */
      readonly without?: WithoutRules
    }
    output: {
      readonly diagnostics: readonly Diagnostic[]
      readonly valid: boolean
      /** What does not run of a valid text; none unless `partial` was asked for. */
      readonly leftOut?: readonly LeftOut[]
      /** Name of the engine that runs a valid text. */
      readonly engine?: string
    }
  }
  /**
   * Reads a text that compiles and plans it, where texts are checked. One that cannot be planned within time and memory
   * gets a plan that demands nothing, and a warning.
   */
  plan: {
    input: {
      readonly content: string
      /** Gives what there is to show of each rule as well. */
      readonly explain: boolean
      /** Gives what each rule demands as well. */
      readonly costs?: boolean
      /** Gives the parts of a text with many rules as well. */
      readonly inParts?: boolean
    }
    output: PlannedText
  }
  /** Evaluates the plans of a rule set against one segment. */
  evaluate: {
    input: {
      readonly ruleSet: string
      readonly segment: string
      /** Only samples with an id above `after` and up to `upTo`. */
      readonly after: number
      readonly upTo: number
      /** Sorted ids that the hunt is restricted to; null for all. */
      readonly only: Uint32Array | null
      /** With which rulesets of the set, by their keys; null for all. */
      readonly rulesets: readonly string[] | null
      /** What samples are called; null where that is not known yet. */
      readonly names: PackedNames | null
    }
    output: {
      /**
       * For each ruleset with candidates: its key and the ascending sample ids. `asksForNames`: there may be fewer once
       * it is known what they are called.
       */
      readonly candidates: readonly {
        readonly ruleset: string
        readonly samples: Uint32Array
        readonly asksForNames: boolean
      }[]
      readonly use: SegmentUse
    }
  }
  /** Scans samples with the rulesets that remain for each. */
  verify: {
    input: {
      readonly ruleSet: string
      readonly items: readonly {
        readonly sample: number
        /** Of its content: by this it is known from one task to the next, wherever a lease of it lies. */
        readonly sha256: Uint8Array
        readonly path: string
        readonly size: number
        readonly variables: ExternalVariables
        /** Further names of the sample: rulesets that ask for names are run for each. */
        readonly alsoNamed?: readonly NameVariables[]
        /** Ruleset keys; null for all of the set. */
        readonly rulesets: readonly string[] | null
      }[]
      readonly strings: boolean
    }
    output: {
      readonly results: readonly {
        readonly sample: number
        readonly hits: readonly RuleHit[]
        readonly errors: readonly ScanError[]
      }[]
      readonly scannedBytes: number
    }
  }
  /** Computes the signature of a stored file, for `index build` and repairs. */
  sign: {
    input: { readonly path: string; readonly digests: Digests; readonly sample: number }
    output: { readonly signature: Uint8Array }
  }
  /** Reads what a stored program is made of; null for what is none, or is not known. */
  readProgram: {
    input: { readonly path: string; readonly size: number }
    output: { readonly program: ProgramFacts | null }
  }
  /** Computes the TLSH of a stored file; null for what has none, or is not as large as it should be. */
  tlsh: {
    input: { readonly path: string; readonly size: number }
    output: { readonly digest: Uint8Array | null }
  }
  /** Measures the entropy along a stored file, for people who look at it. */
  entropy: {
    /** At most so many slices, all of the same size. */
    input: { readonly path: string; readonly slices: number }
    /** `bits` a byte (0 to 8) of each slice; slice i ends at byte `floor((i + 1) * size / bits.length)`. */
    output: { readonly size: number; readonly bits: Float32Array }
  }
  /** Verifies a stored content. `damage`: what is wrong with it, in words; null for nothing. */
  digest: {
    input: { readonly path: string; readonly size: number; readonly sha256: Uint8Array }
    output: { readonly damage: string | null }
  }
  /** Merges segments into one, leaving samples out of each; 0 samples, and no file, when none is left. */
  merge: {
    input: { readonly inputs: readonly string[]; readonly output: string; readonly without: readonly Uint32Array[] }
    output: { readonly samples: number; readonly bytes: number }
  }
}

/** Rules of a text that are not to run, although they would. */
export interface WithoutRules {
  /** What is left out of it already. */
  readonly leftOut: readonly LeftOut[]
  readonly rules: readonly { readonly name: string; readonly reason: string }[]
}

export type TaskKind = keyof TaskMap
export type TaskInput<K extends TaskKind> = TaskMap[K]['input']
export type TaskOutput<K extends TaskKind> = TaskMap[K]['output']
