import { type CompilerOptions, compile, type RuleMatch, validate } from '@litko/yara-x'

/** The engine as this project runs it. */
const options: CompilerOptions = { relaxedReSyntax: true, enableIncludes: false }

/** Whether the engine compiles a text, and why not. */
export function accepts(text: string): { accepted: boolean; message: string } {
  const { errors } = validate(text, options)
  return { accepted: errors.length === 0, message: errors.map(({ message }) => message).join('\n') }
}

/** The names of the public rules of a text that match a sample. Throws for a text that does not compile. */
export function matchingRules(text: string, sample: Uint8Array): string[] {
  return compile(text, options)
    .scan(Buffer.from(sample))
    .map(({ ruleIdentifier }: RuleMatch) => ruleIdentifier)
}
