/** Files that become rulesets, on the wire. */
import { Type } from 'typebox'
import { PreviewShape } from './rule-sources.ts'

const { step: _, ...previewed } = PreviewShape.properties.files.items.properties

export const ImportShape = Type.Object({
  id: Type.Integer(),
  phase: Type.Enum(['reading', 'checking', 'ready', 'saving', 'done', 'failed'], {
    description: 'ready: the preview is complete, and can be saved',
  }),
  done: Type.Integer({ description: 'files of the phase' }),
  total: Type.Integer(),
  problem: Type.Union([Type.String(), Type.Null()], { description: 'why it failed' }),
  corpus: PreviewShape.properties.corpus,
  files: Type.Array(
    Type.Object({
      ...previewed,
      step: Type.Enum(['create', 'update', 'keep', 'refused'], {
        description:
          'create: a new ruleset; update: it replaces the text of one; keep: a ruleset has this text already; refused: the ruleset of that name is not yours to change',
      }),
    }),
    { description: 'by path; the first 10,000' },
  ),
  unreadable: PreviewShape.properties.unreadable,
  outcome: Type.Union([
    Type.Object({
      created: Type.Integer(),
      updated: Type.Integer(),
      problems: Type.Array(Type.String(), { description: 'what could not be saved, and why; the first 100' }),
    }),
    Type.Null(),
  ]),
})
