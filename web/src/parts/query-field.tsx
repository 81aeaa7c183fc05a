import { CircleHelp, Search, X } from 'lucide-react'
import { useEffect, useEffectEvent, useId, useMemo, useRef, useState } from 'react'
import { Button as AriaButton, SearchField as AriaSearchField, Input } from 'react-aria-components'
import { parseQuery, type QueryProblem } from '../../../src/query/index.ts'
import { Button } from './button.tsx'
import field from './field.module.css'
import styles from './query-field.module.css'
import { QueryHelp } from './query-help.tsx'

const SEARCH_PAUSE_MS = 200

/**
 * What samples have to fulfil, in the query language of the API: in every bar of filters. Searches as one types, after a
 * short pause; a query that cannot be understood is not sent, and its place is shown.
 */
export function QueryField({
  value,
  label = 'Search a hash, a part of a name, or a query',
  placeholder = 'Hash, part of a name, or size:>1MB tag:seen',
  onChange,
  onProblem,
}: {
  readonly value: string
  readonly label?: string
  readonly placeholder?: string
  readonly onChange: (value: string) => void
  /** Whether what stands in the field cannot be understood, and so is not in `value`. */
  readonly onProblem?: (isWrong: boolean) => void
}) {
  const [typed, setTyped] = useState(value)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const problemId = useId()
  const problem = useMemo(() => parseQuery(typed).problem, [typed])
  useEffect(() => setTyped(value), [value])
  // A page may draw the field anew all the time, with another function: the pause goes on.
  const search = useEffectEvent(onChange)
  useEffect(() => {
    if (typed === value || problem !== null) return
    const timer = setTimeout(() => search(typed), SEARCH_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, value, problem])

  const tell = useEffectEvent((isWrong: boolean) => onProblem?.(isWrong))
  useEffect(() => tell(problem !== null), [problem])

  const submit = (query: string) => {
    if (problem === null) onChange(query)
    else input.current?.setSelectionRange(problem.from, problem.to)
  }
  const addExample = (example: string) => {
    setTyped((before) => `${before.trimEnd()} ${example}`.trimStart())
    setHelpOpen(false)
  }
  return (
    <div className={styles.place}>
      <div className={styles.line}>
        <AriaSearchField
          aria-label={label}
          value={typed}
          onChange={setTyped}
          onSubmit={submit}
          className={`${field.search} ${styles.search}`}
        >
          <Search size={14} aria-hidden />
          <Input
            ref={input}
            className={field.input ?? ''}
            placeholder={placeholder}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={problem !== null || undefined}
            aria-describedby={problem === null ? undefined : problemId}
          />
          {typed !== '' && (
            <AriaButton className={field.clear ?? ''} aria-label="Clear the search">
              <X size={14} aria-hidden />
            </AriaButton>
          )}
        </AriaSearchField>
        <Button weight="quiet" isIcon aria-label="How to search" onPress={() => setHelpOpen(true)}>
          <CircleHelp size={16} aria-hidden />
        </Button>
      </div>
      <div id={problemId} className={styles.problem} aria-live="polite">
        {problem && <FaultOf problem={problem} query={typed} />}
      </div>
      <QueryHelp isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} onExample={addExample} />
    </div>
  )
}

/** Characters of a long query that are shown on either side of the fault. */
const AROUND = 40

/** What is wrong, and the query with its fault marked; a mark without characters is where something is missing. */
function FaultOf({
  problem: { message, from, to },
  query,
}: {
  readonly problem: QueryProblem
  readonly query: string
}) {
  const before = query.slice(0, from)
  const behind = query.slice(to)
  return (
    <>
      <span>{message}</span>
      <code>
        {before.length > AROUND ? `…${before.slice(-AROUND)}` : before}
        <mark>{query.slice(from, Math.min(to, from + 2 * AROUND))}</mark>
        {behind.length > AROUND ? `${behind.slice(0, AROUND)}…` : behind}
      </code>
    </>
  )
}
