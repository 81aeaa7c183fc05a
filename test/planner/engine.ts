import { compile } from '@litko/yara-x'

/** The names of the rules that match, as the real engine says; the usual external variables are defined. */
export type Engine = (bytes: Uint8Array) => ReadonlySet<string>

/** @throws Error when the rules do not compile. */
export function engineFor(rules: string): Engine {
  const compiled = compile(rules, {
    relaxedReSyntax: true,
    enableIncludes: false,
    defineVariables: { filename: '', filepath: '', extension: '', filetype: '', owner: '' },
  })
  return (bytes) => {
    const matches: { ruleIdentifier: string }[] = compiled.scan(Buffer.from(bytes))
    return new Set(matches.map((match) => match.ruleIdentifier))
  }
}
