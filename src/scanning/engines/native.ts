import { createRequire } from 'node:module'
import type { Diagnostic } from '../../yara/index.ts'
import { type CompiledRules, type Engine, noVariables } from '../engine.ts'
import { readReport } from '../engine-report.ts'
import type { ExternalVariables } from '../tasks.ts'
import { sparingComments } from './comments.ts'
import { refusalOf, withUnboundConditions } from './unbound-conditions.ts'
import { Variants } from './variants.ts'

/** The part of `@litko/yara-x` that is used here; its own declarations name types that they do not declare. */
interface Binding {
  validate(text: string, options: Options): { errors: Report[]; warnings: Report[] }
  compile(text: string, options: Options): Rules
}

interface Options {
  readonly relaxedReSyntax: boolean
  readonly enableIncludes: boolean
  readonly defineVariables: Readonly<Record<string, string | boolean>>
}

interface Report {
  readonly code: string
  readonly message: string
}

interface Rules {
  scan(bytes: Buffer, variables: ExternalVariables): Match[]
  setMaxMatchesPerPattern(count: number): void
  getWarnings(): Report[]
}

interface Match {
  readonly ruleIdentifier: string
  readonly tags: string[]
  readonly meta: Record<string, string | number | boolean>
  readonly matches: { readonly identifier: string; readonly offset: number; readonly length: number }[]
}

const options: Options = {
  // Public rules are written for libyara, which takes `\_` or an unescaped `{` as they are.
  relaxedReSyntax: true,
  // The binding's default opens any path on the machine and quotes its first line in the error.
  enableIncludes: false,
  defineVariables: { ...noVariables },
}

const OVERHEAD_NS = 25_000

const require = createRequire(import.meta.url)

/** The usual one. Null where there is no build of it for this machine. */
export function yaraX17(): Engine | null {
  try {
    const binding = require('@litko/yara-x') as Binding
    return nativeEngine('YARA-X 1.7.1', () => binding, null)
  } catch {
    return null
  }
}

/** Null where there is no build of it for this machine. It is loaded when it is first asked: few rules need it. */
export function yaraX120(): Engine | null {
  const name = 'yara-x-1-20'
  try {
    require.resolve(name)
  } catch {
    return null
  }
  let binding: Binding | null = null
  return nativeEngine('YARA-X 1.20.0', () => (binding ??= require(name) as Binding), withUnboundConditions)
}

/**
 * YARA-X in this process. It has no time limit of its own and cannot be interrupted: use it in worker processes only.
 * `rewrite`: what is compiled in place of a text.
 */
function nativeEngine(name: string, binding: () => Binding, rewrite: typeof withUnboundConditions | null): Engine {
  const compile = (text: string): Rules => {
    if (rewrite === null) return binding().compile(text, options)
    const unbound = rewrite(text)
    const defineVariables = { ...options.defineVariables, [unbound.variable]: false }
    return binding().compile(unbound.text, { ...options, defineVariables })
  }
  return sparingComments({
    name,
    overheadNs: OVERHEAD_NS,
    diagnose(text) {
      const { errors, warnings } = binding().validate(text, options)
      const found = [...reports('error', errors, text), ...reports('warning', warnings, text)]
      return rewrite === null || errors.length > 0 ? found : [...refusalOf(text, rewrite), ...found]
    },
    compile(text): CompiledRules {
      const variants = new Variants(text, compile)
      return {
        engine: name,
        scan(bytes, given) {
          const { rules, variables } = variants.for(given)
          return rules.scan(bytes, variables).map(({ ruleIdentifier, tags, meta, matches }) => ({
            rule: ruleIdentifier,
            tags,
            meta,
            strings: matches,
          }))
        },
        limitMatchesPerString: (count) => variants.limitMatchesPerString(count),
        // Those of a text that was rewritten have other places.
        warnings() {
          const found = rewrite === null ? variants.plain.getWarnings() : binding().validate(text, options).warnings
          return reports('warning', found, text)
        },
      }
    },
  })
}

function reports(severity: Diagnostic['severity'], found: readonly Report[], text: string): Diagnostic[] {
  return found.map(({ code, message }) => readReport(severity, code, message, text))
}
