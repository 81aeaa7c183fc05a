import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Diagnostic } from '../../yara/index.ts'
import { type CompiledRules, type Engine, type EngineMatch, noVariables } from '../engine.ts'
import { readReport } from '../engine-report.ts'
import type { ExternalVariables } from '../tasks.ts'
import { sparingComments } from './comments.ts'
import { refusalOf, withUnboundConditions } from './unbound-conditions.ts'

/** The part of `@virustotal/yara-x` that is used here. */
interface Package {
  initSync(given: { readonly module: Uint8Array }): unknown
  readonly Compiler: new () => Compiler
  readonly Scanner: new (rules: Rules) => Scanner
}

interface Compiler {
  defineGlobal(name: string, value: string | boolean): void
  /** Throws what `errors` has. */
  addSource(text: string): void
  /** Uses the compiler up. */
  build(): Rules
  readonly errors: string[]
  readonly warnings: string[]
  free(): void
}

/** Its memory is given back when it is collected. */
type Rules = object

interface Scanner {
  setGlobal(name: string, value: string): void
  setMaxMatchesPerPattern(count: number): void
  scan(bytes: Uint8Array): ScanResult
  free(): void
}

interface ScanResult {
  readonly valid: boolean
  readonly errors: readonly string[]
  readonly matches: readonly Match[]
}

interface Match {
  readonly identifier: string
  readonly isPrivate: boolean
  readonly tags: readonly string[]
  readonly metadata: readonly { readonly identifier: string; readonly value: unknown }[]
  readonly patterns: readonly {
    readonly identifier: string
    readonly matches: readonly { readonly offset: number; readonly length: number }[]
  }[]
}

const NAME = 'YARA-X 1.20.0 (WebAssembly)'

/** Every scan links the rules anew. */
const OVERHEAD_NS = 6_000_000

/**
 * YARA-X for machines that no native build is for: the same language as the native 1.20, without its tolerance for loose
 * regular expressions. It is loaded when it is first asked. Like the others it cannot be interrupted.
 */
export function yaraXInWebAssembly(): Engine {
  let loaded: Package | null = null
  const engine = () => {
    loaded ??= load()
    return loaded
  }
  return sparingComments({
    name: NAME,
    overheadNs: OVERHEAD_NS,
    diagnose: (text) => guarded(() => diagnose(engine(), text)),
    compile: (text) => guarded(() => compile(engine(), text)),
  })
}

function load(): Package {
  const require = createRequire(import.meta.url)
  const found = require('@virustotal/yara-x') as Package
  found.initSync({ module: readFileSync(join(dirname(require.resolve('@virustotal/yara-x')), 'yara_x_js_bg.wasm')) })
  return found
}

/**
 * What traps leaves a memory that nothing can be expected of, so the process ends as it does where a native engine
 * crashes: the pool knows what it was about.
 */
function guarded<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof Error && error.constructor.name === 'RuntimeError') {
      process.stderr.write(`the WebAssembly engine failed: ${error.message}\n`)
      process.abort()
    }
    throw error
  }
}

function compilerOf({ Compiler }: Package, globals: Readonly<Record<string, string | boolean>>): Compiler {
  const compiler = new Compiler()
  for (const [name, value] of Object.entries(globals)) compiler.defineGlobal(name, value)
  return compiler
}

function diagnose(found: Package, text: string): Diagnostic[] {
  // The text as it is, so that places are those of the text.
  const compiler = compilerOf(found, { ...noVariables })
  try {
    try {
      compiler.addSource(text)
    } catch {
      // It is among the errors.
    }
    const { errors, warnings } = compiler
    const diagnostics = [...errors.map((one) => readAs('error', one, text)), ...readWarnings(warnings, text)]
    return errors.length > 0 ? diagnostics : [...refusalOf(text, withUnboundConditions), ...diagnostics]
  } finally {
    compiler.free()
  }
}

function readWarnings(warnings: readonly string[], text: string): Diagnostic[] {
  return warnings.map((one) => readAs('warning', one, text))
}

function readAs(severity: Diagnostic['severity'], report: string, text: string): Diagnostic {
  const [, code = 'E000'] = /^(?:error|warning)\[(\w+)\]/.exec(report) ?? []
  // This build has no include, the others have it switched off: the same to whoever wrote it.
  return readReport(severity, code === 'E042' && /\binclude\b/.test(report) ? 'E044' : code, report, text)
}

function compile(found: Package, text: string): CompiledRules {
  const unbound = withUnboundConditions(text)
  const compiler = compilerOf(found, { ...noVariables, [unbound.variable]: false })
  let rules: Rules
  try {
    compiler.addSource(unbound.text)
    rules = compiler.build()
  } finally {
    compiler.free()
  }
  // Passing one costs as much as a scan.
  const asked = Object.keys(noVariables).filter((name) => text.includes(name)) as (keyof ExternalVariables)[]
  let matchesPerString: number | null = null
  return {
    engine: NAME,
    scan: (bytes, variables) =>
      guarded(() => {
        const scanner = new found.Scanner(rules)
        try {
          if (matchesPerString !== null) scanner.setMaxMatchesPerPattern(matchesPerString)
          for (const name of asked) if (variables[name] !== '') scanner.setGlobal(name, variables[name])
          const { valid, errors, matches } = scanner.scan(bytes)
          if (!valid) throw new Error(errors.join('; '))
          return matches.filter(({ isPrivate }) => !isPrivate).map(matchOf)
        } finally {
          scanner.free()
        }
      }),
    limitMatchesPerString: (count) => {
      matchesPerString = count
    },
    warnings: () => diagnose(found, text).filter(({ severity }) => severity === 'warning'),
  }
}

function matchOf({ identifier, tags, metadata, patterns }: Match): EngineMatch {
  return {
    rule: identifier,
    tags,
    meta: Object.fromEntries(metadata.map(({ identifier: key, value }) => [key, metaValue(value)])),
    strings: patterns.flatMap((pattern) =>
      pattern.matches.map(({ offset, length }) => ({ identifier: pattern.identifier, offset, length })),
    ),
  }
}

/** Numbers beyond what JavaScript has exactly come as bigint, bytes as lists. */
function metaValue(value: unknown): string | number | boolean {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return Buffer.from(value).toString()
  return value as string | number | boolean
}
