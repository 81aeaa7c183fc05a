/** What may come next in a YARA text: by the place of the cursor in the syntax tree. */
import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  snippetCompletion,
} from '@codemirror/autocomplete'
import { syntaxTree } from '@codemirror/language'
import type { SyntaxNode } from '@lezer/common'
import { type Member, modules } from './modules.ts'

export function completeYara(context: CompletionContext): CompletionResult | null {
  const node = syntaxTree(context.state).resolveInner(context.pos, -1)
  if (/Comment$/.test(node.name)) return null
  if (/Text$/.test(node.name)) return within(node, 'Import') ? moduleNames(context) : null
  if (/Regexp$/.test(node.name) || within(node, 'HexString')) return null

  const path = context.matchBefore(/[A-Za-z_][\w.[\]()"]*\.\w*/)
  if (path) return fields(path.from, path.text)
  const sign = context.matchBefore(/[$#@!]\w*/)
  const rule = within(node, 'Rule')
  if (sign) return rule && within(node, 'Condition') ? stringsOf(rule, context, sign.from, sign.text) : null

  const word = context.matchBefore(/\w+/)
  if (!word && !context.explicit) return null
  const from = word?.from ?? context.pos
  const options = wordsAt(node, rule, context)
  return options ? { from, options, validFor: /^\w*$/ } : null
}

function wordsAt(node: SyntaxNode, rule: SyntaxNode | null, context: CompletionContext): Completion[] | null {
  const section = rule && sectionBefore(rule, context.pos)
  switch (section) {
    case null:
      return topLevel
    case 'head':
      return null
    case 'Meta':
      return [...metaKeys, ...sections]
    case 'Strings':
      return [...modifiers, ...sections]
    case 'Condition':
      return [...conditionWords, ...moduleWords, ...loopVariables(node, context), ...otherRules(node, rule, context)]
    default:
      return sections
  }
}

/** The section that the cursor is in or directly after; `head` between `rule` and the brace. */
function sectionBefore(rule: SyntaxNode, position: number): 'head' | 'Meta' | 'Strings' | 'Condition' | 'body' {
  const open = rule.getChild('{')
  if (!open || open.from >= position) return 'head'
  let found: 'Meta' | 'Strings' | 'Condition' | 'body' = 'body'
  for (const name of ['Meta', 'Strings', 'Condition'] as const) {
    const section = rule.getChild(name)
    if (section && section.from < position) found = name
  }
  return found
}

function within(node: SyntaxNode, name: string): SyntaxNode | null {
  for (let each: SyntaxNode | null = node; each; each = each.parent) if (each.name === name) return each
  return null
}

const words = (type: string, ...labels: string[]): Completion[] => labels.map((label) => ({ label, type }))

const topLevel: Completion[] = [
  snippetCompletion(
    'rule #{name} {\n  meta:\n    author = "#{author}"\n  strings:\n    $#{a} = "#{text}"\n  condition:\n    $#{a}\n}\n',
    {
      label: 'rule',
      detail: 'with strings and condition',
      type: 'keyword',
      boost: 2,
    },
  ),
  snippetCompletion('import "#{module}"', { label: 'import', type: 'keyword' }),
  ...words('keyword', 'private', 'global'),
]

const sections: Completion[] = words('keyword', 'meta:', 'strings:', 'condition:')
const metaKeys: Completion[] = ['author', 'date', 'description', 'reference', 'hash', 'version'].map((label) => ({
  label,
  apply: `${label} = "`,
  type: 'property',
}))

const modifierMeanings = {
  ascii: 'one byte a character; what a text is by itself',
  wide: 'two bytes a character (UTF-16LE)',
  nocase: 'letters in either case',
  fullword: 'not next to a letter or digit',
  private: 'not shown in results',
  xor: 'under every one-byte key',
  base64: 'as it stands in base64',
  base64wide: 'as it stands in base64, wide',
} as const
const modifiers: Completion[] = Object.entries(modifierMeanings).map(([label, info]) => ({
  label,
  info,
  type: 'keyword',
}))

const readers = ['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32'].flatMap((name) => [name, `${name}be`])
const conditionWords: Completion[] = [
  ...words('keyword', 'and', 'or', 'not', 'any', 'all', 'none', 'of', 'them', 'in', 'at', 'defined', 'true', 'false'),
  ...words(
    'keyword',
    'contains',
    'icontains',
    'startswith',
    'istartswith',
    'endswith',
    'iendswith',
    'iequals',
    'matches',
  ),
  { label: 'filesize', type: 'variable', info: 'size of the file in bytes; KB and MB may follow a number' },
  ...words('variable', 'filename', 'filepath', 'extension', 'filetype', 'owner'),
  ...readers.map((label): Completion => ({ label, apply: `${label}(`, type: 'function', detail: '(offset)' })),
  snippetCompletion('for #{any} of #{them} : ( #{$ at 0} )', { label: 'for', detail: '… of strings', type: 'keyword' }),
  snippetCompletion('for #{any} #{i} in (#{0}..#{10}) : ( #{condition} )', {
    label: 'for',
    detail: '… in a range',
    type: 'keyword',
  }),
  snippetCompletion('with #{x} = #{value} : ( #{condition} )', { label: 'with', type: 'keyword' }),
]

function moduleNames(context: CompletionContext): CompletionResult | null {
  const typed = context.matchBefore(/"\w*/)
  if (!typed) return null
  const options = Object.entries(modules).map(([label, { about }]) => ({ label, info: about, type: 'namespace' }))
  return { from: typed.from + 1, options, validFor: /^\w*$/ }
}

function fields(from: number, text: string): CompletionResult | null {
  const steps = text.replace(/\[[^\]]*\]|\([^)]*\)/g, '').split('.')
  const last = steps.pop() ?? ''
  let members: Readonly<Record<string, Member>> | undefined = modules[steps.shift() ?? '']?.members
  for (const step of steps) members = members?.[step]?.members
  if (!members) return null
  const options = Object.entries(members).map(
    ([label, { is, call }]): Completion => ({
      label,
      detail: is,
      ...(call !== undefined ? { type: 'function', apply: `${label}(` } : { type: 'property' }),
      ...(call !== undefined && { detail: `(${call}) ${is}` }),
    }),
  )
  return { from: from + text.length - last.length, options, validFor: /^\w*$/ }
}

/** The strings of the rule around the cursor, under the sign that was typed. */
function stringsOf(rule: SyntaxNode, context: CompletionContext, from: number, typed: string): CompletionResult | null {
  const sign = typed[0] ?? '$'
  const options = (rule.getChild('Strings')?.getChildren('StringDefinition') ?? []).flatMap(
    (definition): Completion[] => {
      const name = definition.getChild('StringIdentifier')
      if (!name) return []
      const text = context.state.sliceDoc(name.from, name.to)
      const value = context.state.sliceDoc(name.to, Math.min(definition.to, name.to + 60)).replace(/^\s*=\s*/, '')
      return text.length > 1 ? [{ label: sign + text.slice(1), detail: value, type: 'variable' }] : []
    },
  )
  return { from, options, validFor: /^[$#@!]\w*$/ }
}

/** Those that are not imported yet too: the diagnostics say what is missing. */
const moduleWords: Completion[] = Object.entries(modules).map(([label, { about }]) => ({
  label,
  info: about,
  type: 'namespace',
  boost: -1,
}))

function loopVariables(node: SyntaxNode, context: CompletionContext): Completion[] {
  const found: Completion[] = []
  for (let each: SyntaxNode | null = node; each; each = each.parent) {
    if (each.name !== 'For' && each.name !== 'With') continue
    const owners = each.name === 'For' ? [each] : each.getChildren('WithDeclaration')
    for (const variable of owners.flatMap((owner) => owner.getChildren('Variable'))) {
      found.push({ label: context.state.sliceDoc(variable.from, variable.to), type: 'variable', boost: 1 })
    }
  }
  return found
}

/** Rules that stand before this one may be used in its condition. */
function otherRules(node: SyntaxNode, rule: SyntaxNode | null, context: CompletionContext): Completion[] {
  const file = within(node, 'SourceFile')
  return (file?.getChildren('Rule') ?? []).flatMap((each): Completion[] => {
    const name = each.getChild('RuleName')
    if (!name || !rule || each.from >= rule.from) return []
    return [{ label: context.state.sliceDoc(name.from, name.to), type: 'class', detail: 'rule' }]
  })
}
