import { ensureSyntaxTree } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { yara } from './yara-language.ts'

/** A state that is parsed to its end: by itself the editor parses for 20 ms at first, which a busy machine may not give. */
export function parsedState(text: string): EditorState {
  const state = EditorState.create({ doc: text, extensions: [yara()] })
  if (ensureSyntaxTree(state, text.length, 60_000) === null) throw new Error('The text was not parsed within a minute.')
  // The state shows what was parsed from its next update on.
  return state.update({}).state
}
