/** Rules and strings of a YARA text as they refer to each other, from the syntax tree of the editor. */
import { syntaxTree } from '@codemirror/language'
import type { EditorState } from '@codemirror/state'
import type { SyntaxNode } from '@lezer/common'

/** Offsets of a name; of a string's without the sign in front, which differs from use to use. */
export interface NameRange {
  readonly from: number
  readonly to: number
}

export interface FoundSymbol {
  readonly kind: 'string' | 'rule'
  /** Null where nothing in the text defines it. */
  readonly definition: NameRange | null
  /** The definition and all uses, in the order of the text. */
  readonly all: readonly NameRange[]
}

const ofStrings = new Set(['StringIdentifier', 'CountIdentifier', 'OffsetIdentifier', 'LengthIdentifier'])

/** The string or rule whose name is at an offset. Null for anything else, and for strings without a name. */
export function symbolAt(state: EditorState, offset: number): FoundSymbol | null {
  const tree = syntaxTree(state)
  for (const side of [-1, 1] as const) {
    const node = tree.resolveInner(offset, side)
    const found = ofStrings.has(node.name) ? stringAt(state, node) : ruleAt(state, node)
    if (found !== null) return found
  }
  return null
}

function stringAt(state: EditorState, node: SyntaxNode): FoundSymbol | null {
  const rule = around(node, 'Rule')
  const name = state.sliceDoc(node.from + 1, node.to)
  if (rule === null || name === '' || node.parent?.name === 'StringWildcard') return null
  const all: NameRange[] = []
  let definition: NameRange | null = null
  rule.cursor().iterate(({ name: kind, from, to, node: { parent } }) => {
    if (!ofStrings.has(kind) || parent?.name === 'StringWildcard') return
    if (to - from !== name.length + 1 || state.sliceDoc(from + 1, to) !== name) return
    const range = { from: from + 1, to }
    if (parent?.name === 'StringDefinition') definition ??= range
    all.push(range)
  })
  return { kind: 'string', definition, all }
}

function ruleAt(state: EditorState, node: SyntaxNode): FoundSymbol | null {
  const isDefinition = node.name === 'RuleName' || node.parent?.name === 'RuleName'
  if (!isDefinition && node.name !== 'Identifier' && node.parent?.name !== 'Identifier') return null
  const name = state.sliceDoc(node.from, node.to)
  const all: NameRange[] = []
  let definition: NameRange | null = null
  syntaxTree(state).iterate({
    enter({ name: kind, from, to }) {
      if (kind !== 'RuleName' && kind !== 'Identifier') return
      if (to - from !== name.length || state.sliceDoc(from, to) !== name) return
      if (kind === 'RuleName') definition ??= { from, to }
      all.push({ from, to })
    },
  })
  return definition === null ? null : { kind: 'rule', definition, all }
}

function around(node: SyntaxNode, name: string): SyntaxNode | null {
  for (let each: SyntaxNode | null = node; each; each = each.parent) if (each.name === name) return each
  return null
}

/** The rules of the text, with the offsets of their names, in its order. */
export function rulesOf(state: EditorState): { readonly name: string; readonly from: number }[] {
  const { topNode } = syntaxTree(state)
  return topNode.getChildren('Rule').flatMap((rule) => {
    const name = rule.getChild('RuleName')
    return name ? [{ name: state.sliceDoc(name.from, name.to), from: name.from }] : []
  })
}
