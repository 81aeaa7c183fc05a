/** YARA for CodeMirror, from the grammar that the server plans with: what is coloured how, folded and indented. */
import {
  continuedIndent,
  delimitedIndent,
  foldInside,
  foldNodeProp,
  HighlightStyle,
  indentNodeProp,
  LanguageSupport,
  LRLanguage,
  syntaxHighlighting,
} from '@codemirror/language'
import { styleTags, tags as t } from '@lezer/highlight'
import { parser } from '../../../src/yara/parser.generated.js'

/** A section of a rule is indented below its keyword. */
const section = continuedIndent({ except: /^\s*(?:strings|condition|meta)\s*:|^\s*\}/ })

export const yaraLanguage = LRLanguage.define({
  name: 'yara',
  parser: parser.configure({
    props: [
      styleTags({
        'import include rule global private meta strings condition': t.definitionKeyword,
        'ascii wide nocase fullword base64 base64wide xor': t.modifier,
        'and or not defined at in of for with any all none them contains icontains startswith istartswith endswith iendswith iequals matches':
          t.operatorKeyword,
        'true false': t.bool,
        'filesize entrypoint': t.standard(t.variableName),
        'Text UnclosedText': t.string,
        'Regexp UnclosedRegexp': t.regexp,
        'HexByte HexJump JumpLength': t.number,
        'Integer Float': t.number,
        'RuleName/identifier RuleName': t.className,
        Tag: t.labelName,
        MetaKey: t.propertyName,
        FieldName: t.propertyName,
        Identifier: t.variableName,
        Variable: t.local(t.variableName),
        'StringIdentifier StringWildcard CountIdentifier OffsetIdentifier LengthIdentifier': t.special(t.variableName),
        'LineComment BlockComment UnclosedComment': t.comment,
        'CompareOperator ShiftOperator': t.operator,
      }),
      foldNodeProp.add({
        Rule: (node, state) => {
          const from = state.doc.lineAt(node.from).to
          return from < node.to - 1 ? { from, to: node.to - 1 } : null
        },
        'Meta Strings Condition': (node, state) => {
          const from = state.doc.lineAt(node.from).to
          return from < node.to ? { from, to: node.to } : null
        },
        HexString: foldInside,
        BlockComment: ({ from, to }) => ({ from: from + 2, to: to - 2 }),
      }),
      indentNodeProp.add({
        Rule: continuedIndent({ except: /^\s*[{}]/ }),
        'Meta Strings Condition': section,
        HexString: delimitedIndent({ closing: '}', align: false }),
      }),
    ],
  }),
  languageData: {
    commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
    closeBrackets: { brackets: ['(', '[', '{', '"'] },
    indentOnInput: /^\s*(?:\}|strings:|condition:|meta:)$/,
    wordChars: '$#@!',
  },
})

const colours = HighlightStyle.define([
  { tag: t.definitionKeyword, class: 'code-keyword code-strong' },
  { tag: [t.operatorKeyword, t.modifier, t.bool], class: 'code-keyword' },
  { tag: [t.string, t.regexp], class: 'code-string' },
  { tag: t.number, class: 'code-number' },
  { tag: t.className, class: 'code-name code-strong' },
  { tag: [t.propertyName, t.labelName], class: 'code-name' },
  { tag: [t.special(t.variableName), t.standard(t.variableName)], class: 'code-variable' },
  { tag: t.comment, class: 'code-comment' },
])

export const yara = () => new LanguageSupport(yaraLanguage, syntaxHighlighting(colours))
