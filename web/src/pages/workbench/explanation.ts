import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { Refusal } from '../../api/http.ts'
import { type Explanation, explain, type Selection } from '../../api/hunts.ts'
import type { Diagnostic } from '../../api/rulesets.ts'
import type { ServerVerdict } from '../../editor/diagnostics.ts'

const TYPING_PAUSE_MS = 500
const everything: Selection = {}

/** What the server says about a text: that it runs, and at what cost; or what is wrong with it. */
export interface Explained {
  readonly content: string
  /** Null for a text that does not compile. */
  readonly explanation: Explanation | null
  readonly diagnostics: readonly Diagnostic[]
}

/** Asks the server about the text as it is typed, after a pause; the last answer stays until the next one is there. */
export function useExplanation(text: string, selection: Selection = everything) {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  // The text itself would be written into a key again whenever the page is drawn, which is at each letter.
  const number = useMemo(() => numberOf(settled), [settled])
  const asked = useQuery({
    queryKey: ['explanation', number, selection],
    queryFn: ({ signal }) => ask(settled, selection, signal),
    enabled: settled.trim() !== '',
    placeholderData: keepPreviousData,
    gcTime: 60_000,
    staleTime: 30_000,
  })
  const { data, isPlaceholderData } = asked
  const verdict = useMemo<ServerVerdict | null>(() => data ?? null, [data])
  return {
    explained: text.trim() === '' ? undefined : data,
    verdict,
    error: asked.isError ? asked.error : null,
    /** The verdict is on the text as it is now. */
    isChecked: data?.content === text,
    /** Plan and cost too are of that text, and of the samples that are selected. */
    isCurrent: data?.content === text && !isPlaceholderData,
  }
}

/** Texts whose answers may still be kept. */
const KEPT_TEXTS = 20
const numbers = new Map<string, number>()
let lastNumber = 0

/** A number for a text: the same for the same text, as long as that is one of the latest. */
function numberOf(text: string): number {
  const number = numbers.get(text) ?? ++lastNumber
  numbers.delete(text)
  numbers.set(text, number)
  for (const [oldest] of numbers) if (numbers.size > KEPT_TEXTS) numbers.delete(oldest)
  return number
}

async function ask(content: string, selection: Selection, signal: AbortSignal): Promise<Explained> {
  try {
    const explanation = await explain(content, selection, signal)
    return { content, explanation, diagnostics: explanation.texts.flatMap(({ warnings }) => warnings) }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'rules.invalid') throw error
    const { diagnostics } = error.detail as { diagnostics?: Diagnostic[] }
    return { content, explanation: null, diagnostics: diagnostics ?? [] }
  }
}
