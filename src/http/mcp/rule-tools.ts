/** Tools for texts of rules, before anything is hunted with them. */
import { Type } from 'typebox'
import { ExplanationShape } from '../contract/hunts.ts'
import { Diagnosed, LeftOutShape } from '../contract/rulesets.ts'
import { diagnosticJson } from '../routes/diagnostic-json.ts'
import { huntRequest } from '../routes/hunt-requests.ts'
import { explanationJson, groupOf } from '../routes/hunts.ts'
import { after, limit, next, page } from './pages.ts'
import { tool } from './tool.ts'

/** Fewer than a hunt takes: each is answered about. */
const MOST_TEXTS = 100
/** Of one text; the first ones. */
const MOST_DIAGNOSTICS = 50

const rules = Type.Array(huntRequest.rules.items, {
  minItems: 1,
  maxItems: MOST_TEXTS,
  description: 'YARA texts with their names, each compiled by itself',
})

const { texts: Explained, corpus } = ExplanationShape.properties
const { rules: ExplainedRules, ...explainedText } = Explained.items.properties

export const validateRules = tool({
  name: 'validate_rules',
  title: 'Validate YARA rules',
  description:
    'Compile YARA texts without keeping them. Says for each text whether it is valid, and for each problem its line, ' +
    'column and what to write instead.',
  operation: 'explainRules',
  changes: false,
  input: Type.Object({ rules }),
  output: Type.Object({
    valid: Type.Boolean({ description: 'all of them are' }),
    texts: Type.Array(
      Type.Object({
        name: Type.String(),
        valid: Type.Boolean(),
        diagnostics: Type.Array(Diagnosed, { description: `the first ${MOST_DIAGNOSTICS}` }),
        diagnostics_count: Type.Integer(),
        engine: Type.Optional(Type.String({ description: 'that runs it, with its version' })),
      }),
    ),
  }),
  untrusted: [],
  async run({ rules }, { appliance, caller, signal }) {
    const checked = await appliance.validate(rules, { group: groupOf(caller), signal })
    return {
      valid: checked.every(({ valid }) => valid),
      texts: checked.map(({ name, valid, diagnostics, engine }) => ({
        name,
        valid,
        diagnostics: diagnostics.slice(0, MOST_DIAGNOSTICS).map(diagnosticJson),
        diagnostics_count: diagnostics.length,
        ...(engine && { engine }),
      })),
    }
  },
})

export const explainRules = tool({
  name: 'explain_rules',
  title: 'Explain what a hunt would read',
  description:
    'Tell, without scanning anything, what a hunt with YARA texts would read: for each rule the plan that the index is ' +
    'asked with, how many samples and bytes would be left for the engine, and how to make the rule cheaper.',
  operation: 'explainRules',
  changes: false,
  input: Type.Object({ rules, partial: huntRequest.partial, after: after('rules'), limit: limit(50, 200) }),
  output: Type.Object({
    corpus,
    texts: Type.Array(
      Type.Object({
        ...explainedText,
        warnings: Type.Array(Diagnosed, { description: `the first ${MOST_DIAGNOSTICS}` }),
        warnings_count: Type.Integer(),
        left_out: Type.Array(LeftOutShape, { description: `the first ${MOST_DIAGNOSTICS}` }),
        left_out_count: Type.Integer(),
      }),
    ),
    count: Type.Integer({ description: 'rules of all texts' }),
    next_after: next('rules'),
    results: Type.Array(Type.Object({ text: Type.String(), ...ExplainedRules.items.properties })),
  }),
  untrusted: [],
  async run({ rules, partial, after, limit }, { appliance, caller, signal }) {
    const explained = await appliance.explain(rules, signal, {
      partial: partial ?? false,
      group: groupOf(caller),
    })
    const { corpus, texts } = explanationJson(explained)
    const all = texts.flatMap(({ name, rules }) => rules.map((rule) => ({ text: name, ...rule })))
    return {
      corpus,
      texts: texts.map(({ rules: _, warnings, left_out, ...text }) => ({
        ...text,
        warnings: warnings.slice(0, MOST_DIAGNOSTICS),
        warnings_count: warnings.length,
        left_out: left_out.slice(0, MOST_DIAGNOSTICS),
        left_out_count: left_out.length,
      })),
      ...page(all, after, limit),
    }
  },
})
