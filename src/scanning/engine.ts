import type { Diagnostic } from '../yara/index.ts'
import type { ExternalVariables } from './tasks.ts'

/** What Backtrail asks of a YARA engine. Compiling and scanning block the thread for as long as they take. */
export interface Engine {
  /** With its version, for people. */
  readonly name: string
  /** What one scan costs, however small sample and rules are. */
  readonly overheadNs: number
  /** Every error and warning that the engine has about a text. */
  diagnose(text: string): Diagnostic[]
  /** Throws when the text does not compile. */
  compile(text: string): CompiledRules
}

export interface CompiledRules {
  /** Name of the engine that made them, and that runs them. */
  readonly engine: string
  /** The rules that hold on `bytes`, without private rules, in the order of the text. */
  scan(bytes: Buffer, variables: ExternalVariables): EngineMatch[]
  /**
   * The engine stops recording a string's matches after `count`. That changes the outcome of conditions that look at
   * offsets, lengths or numbers of matches; set it only for texts that have none.
   */
  limitMatchesPerString(count: number): void
  /** The engine's warnings about the text: what `diagnose` says of one that compiles. */
  warnings(): Diagnostic[]
}

export interface EngineMatch {
  readonly rule: string
  readonly tags: readonly string[]
  /** As far as the engine reports: that of the usual one gives `unknown` for a boolean. */
  readonly meta: Readonly<Record<string, string | number | boolean>>
  /** Of all strings, private ones too; offsets and lengths in bytes. */
  readonly strings: readonly { readonly identifier: string; readonly offset: number; readonly length: number }[]
}

/** Which engines may be used: those that are built for this machine, and WebAssembly for the rest; or that alone. */
export type EngineChoice = 'native' | 'wasm'

/** Several engines, and which of them runs a text. The answer is the same in every process with the same choice. */
export interface Engines extends Engine {
  /** The engine that a text is tried on first: the usual one, or the first that knows the modules that it imports. */
  firstFor(text: string): string
  /** Compiles with the engine of this name and no other. Throws when the text does not compile there. */
  compileOn(engine: string, text: string): CompiledRules
  /** None of them is built for this machine. */
  readonly isSlow: boolean
}

export const noVariables: ExternalVariables = { filename: '', filepath: '', extension: '', filetype: '', owner: '' }
