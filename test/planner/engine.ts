import { compile } from '@litko/yara-x'
import type { EngineFacts } from '../../src/index/index.ts'
import type { ProgramFacts } from '../../src/programs/index.ts'
import { noVariables } from '../../src/scanning/engine.ts'
import { loadUsualEngine } from '../../src/scanning/engines/index.ts'
import type { ExternalVariables } from '../../src/scanning/tasks.ts'
import { EngineFactsReader } from '../../src/scanning/worker/engine-facts.ts'
import { ProgramFactsReader } from '../../src/scanning/worker/program-facts.ts'
import type { Task } from '../../src/scanning/worker/task.ts'

/** The names of the rules that match, as the real engine says; the usual external variables are defined. */
export type Engine = (bytes: Uint8Array, variables?: ExternalVariables) => ReadonlySet<string>

/** @throws Error when the rules do not compile. */
export function engineFor(rules: string): Engine {
  const compiled = compile(rules, {
    relaxedReSyntax: true,
    enableIncludes: false,
    defineVariables: { filename: '', filepath: '', extension: '', filetype: '', owner: '' },
  })
  return (bytes, variables = noVariables) => {
    const matches: { ruleIdentifier: string }[] = compiled.scan(Buffer.from(bytes), { ...variables })
    return new Set(matches.map((match) => match.ruleIdentifier))
  }
}

const engine = loadUsualEngine()
const reader = new EngineFactsReader(engine)
const anyTask = {
  exclusions: { allowed: { signers: true, programs: true } },
  note: () => {},
  scanMs: () => 0,
  compileMs: 0,
} as unknown as Task

/** Who signed the sample, and what the header of a program says, as a worker finds it out. */
export function engineFactsOf(bytes: Uint8Array): EngineFacts {
  return reader.read(anyTask, Buffer.from(bytes))
}

const programReader = new ProgramFactsReader(engine)

/** What a program is made of, as a worker finds it out; null for what is none. */
export function programFactsOf(bytes: Uint8Array): ProgramFacts | null {
  return programReader.read(anyTask, Buffer.from(bytes), engineFactsOf(bytes).program)
}
