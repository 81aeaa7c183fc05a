import { memo, type RefObject, useMemo } from 'react'
import type { Explanation } from '../../api/hunts.ts'
import type { YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { bytes, count, counted, share } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { InCode } from './in-code.tsx'
import styles from './plan-panel.module.css'
import { type Demand, demandsOf } from './plan-words.ts'

type ExplainedRule = Explanation['texts'][number]['rules'][number]

/** What hunting with the text costs, and why: for all rules together and for each. Those are many: a key must not draw them. */
export const PlanPanel = memo(function PlanPanel({
  explanation,
  isCurrent,
  error,
  whole,
  editor,
}: {
  readonly explanation: Explanation | null | undefined
  /** False while the text or what is selected has changed since. */
  readonly isCurrent: boolean
  readonly error: Error | null
  /** Of what shares are told: `the corpus`. */
  readonly whole: string
  readonly editor: RefObject<YaraEditorHandle | null>
}) {
  const text = explanation?.texts[0]
  // What costs most is what can be gained most with.
  const rules = useMemo(() => text?.rules.toSorted((a, b) => b.expected.bytes - a.expected.bytes) ?? [], [text])
  if (error) return <Problem error={error} />
  if (explanation === null) {
    return <p className={styles.note}>The plan is shown when the text compiles.</p>
  }
  if (!explanation || !text) return <p className={styles.note}>The plan of each rule is shown here as you write.</p>
  const { corpus } = explanation
  return (
    <div className={styles.plan} data-outdated={!isCurrent || undefined}>
      <Expected title="A hunt with this text reads" expected={text.expected} corpus={corpus} whole={whole} />
      {rules.length > 1 && <p className={styles.note}>The rules that read most come first.</p>}
      {rules.map((rule) => (
        <Rule key={rule.name} rule={rule} corpus={corpus} isOpen={rules.length <= 3} editor={editor} />
      ))}
    </div>
  )
})

interface Share {
  readonly samples: number
  readonly bytes: number
}

function Expected({
  title,
  expected,
  corpus,
  whole,
}: {
  readonly title: string
  readonly expected: Share
  readonly corpus: Share
  readonly whole: string
}) {
  const part = corpus.bytes === 0 ? 0 : expected.bytes / corpus.bytes
  return (
    <section className={styles.expected} aria-label={title}>
      <h2>{title}</h2>
      <p className={styles.figure}>
        {corpus.samples === 0
          ? 'nothing: there are no samples yet'
          : `${share(expected.bytes, corpus.bytes)} of ${whole}`}
      </p>
      <div className={styles.bar} data-much={part > 0.2 || undefined}>
        <div style={{ width: `${Math.max(part > 0 ? 1 : 0, part * 100)}%` }} />
      </div>
      <p className={styles.note}>
        {counted(expected.samples, 'sample')} of {count(corpus.samples)}, {bytes(expected.bytes)} of{' '}
        {bytes(corpus.bytes)}
        {expected.samples < corpus.samples
          ? '; the index rules out the others without reading them.'
          : ': the index cannot rule any of them out.'}
      </p>
    </section>
  )
}

function Rule({
  rule,
  corpus,
  isOpen,
  editor,
}: {
  readonly rule: ExplainedRule
  readonly corpus: Share
  readonly isOpen: boolean
  readonly editor: RefObject<YaraEditorHandle | null>
}) {
  return (
    <details className={styles.rule} open={isOpen}>
      <summary>
        <code>{rule.name}</code>
        <span>{share(rule.expected.bytes, corpus.bytes)}</span>
      </summary>
      <p className={styles.lead}>A sample is read only if</p>
      <Demands demands={demandsOf(rule.plan)} />
      {rule.unindexable.length > 0 && (
        <>
          <p className={styles.lead}>Strings that cannot use the index</p>
          <ul className={styles.strings}>
            {rule.unindexable.map(({ identifier, why }) => (
              <li key={identifier}>
                <code>{identifier}</code> {why}
              </li>
            ))}
          </ul>
        </>
      )}
      {rule.advice.length > 0 && (
        <button type="button" className={styles.place} onClick={() => editor.current?.goTo(rule.weakest)}>
          <code>{rule.weakest.term}</code> in line {rule.weakest.line}
        </button>
      )}
      {rule.advice.map((advice) => (
        <p key={advice} className={styles.advice}>
          {advice}
        </p>
      ))}
    </details>
  )
}

function Demands({ demands }: { readonly demands: readonly Demand[] }) {
  return (
    <ul className={styles.demands}>
      {demands.map(({ words, parts, alike }, position) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: demands have no other identity, and keep their places
        <li key={position}>
          <InCode text={words} />
          {alike > 0 && <span className={styles.alike}>, or {counted(alike, 'other way', 'other ways')} like it</span>}
          {parts.length > 0 && <Demands demands={parts} />}
        </li>
      ))}
    </ul>
  )
}
