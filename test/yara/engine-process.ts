/** The engine in a process of its own: answers each question it is sent. Started by `engine.ts`. */
import { type CompilerOptions, compile, validate } from '@litko/yara-x'
import type { Answer, Question } from './engine.ts'

/** As this project runs the engine. */
const options: CompilerOptions = {
  relaxedReSyntax: true,
  enableIncludes: false,
  defineVariables: { filename: '', filepath: '', extension: '', filetype: '', owner: '' },
}

function answer({ text, samples }: Question): Answer {
  const { errors } = validate(text, options)
  if (errors.length > 0)
    return { accepted: false, message: errors.map(({ message }) => message).join('\n'), matched: [] }
  if (samples.length === 0) return { accepted: true, message: '', matched: [] }
  const rules = compile(text, options)
  const matched = samples.map((sample) => rules.scan(Buffer.from(sample, 'latin1')).length > 0)
  return { accepted: true, message: '', matched }
}

process.on('message', (question: Question) => process.send?.(answer(question)))
