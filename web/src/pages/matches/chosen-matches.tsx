import { Download } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { type ToAllow, useAllowAll } from '../../api/allow-lists.ts'
import {
  exportChosen,
  type Gathered,
  gatherMatches,
  type Match,
  type MatchQuery,
  MOST_GATHERED,
} from '../../api/matches.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { Button } from '../../parts/button.tsx'
import { MenuButton } from '../../parts/menu-button.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { ChosenBar } from '../../parts/sample-actions.tsx'
import { saveFile } from '../../parts/saved-file.ts'
import { formats } from './formats.ts'

/**
 * What can be done with the matches that were chosen: those of the rows shown, or from there all that fulfil the filter,
 * which the server is asked for up to what one request takes.
 */
export function ChosenMatches({
  matches,
  query,
  hasMore,
  onDone,
}: {
  /** Those of the rows shown. */
  readonly matches: readonly Match[]
  readonly query: MatchQuery
  /** The list goes on below the rows shown. */
  readonly hasMore: boolean
  /** Nothing is to be chosen any more. */
  readonly onDone: () => void
}) {
  const { gathered, found, gather, drop } = useGathering(query, matches)
  const user = useUser()
  const allow = useAllowAll()
  if (matches.length === 0) return null
  const onAllow = () => {
    allow.mutate(allowing(matches), {
      onError: notifyFailed,
      onSuccess: (samples) =>
        notifyDone(
          `${counted(samples, 'match', 'matches')} will not come again; these are kept, and the rulesets list them.`,
        ),
    })
  }
  const { ids, hashes } = gathered ?? {
    ids: matches.map(({ id }) => id),
    hashes: [...new Set(matches.map(({ sha1 }) => sha1))],
  }
  const those = `${counted(ids.length, 'match', 'matches')} of ${counted(hashes.length, 'sample')}`
  return (
    <ChosenBar
      what={gathered ? `${gathered.isCutOff ? 'The newest' : 'All'} ${those} chosen` : `${those} chosen`}
      note={
        gathered?.isCutOff &&
        `More fit than the ${count(MOST_GATHERED)} that are taken at a time; filters or “Export” above reach the others.`
      }
      hashes={hashes}
      onDone={() => {
        drop()
        onDone()
      }}
    >
      {found !== null ? (
        <Button onPress={drop}>Stop looking ({count(found)} so far)</Button>
      ) : (
        hasMore && !gathered && <Button onPress={gather}>Choose all that fit</Button>
      )}
      {mayWork(user) && !gathered && (
        <Button isDisabled={allow.isPending || found !== null} onPress={onAllow}>
          Allow for their rules
        </Button>
      )}
      <MenuButton
        title={
          <>
            <Download size={14} aria-hidden /> Export
          </>
        }
        isDisabled={found !== null}
        choices={formats}
        onChoose={(format) => void exportChosen(ids, format).then(saveFile).catch(notifyFailed)}
      />
    </ChosenBar>
  )
}

/** Each sample for each rule that it matches, by its hash. */
function allowing(matches: readonly Match[]): ToAllow[] {
  const entries = matches.map(({ ruleset, rule, sha256, sha1 }) => ({
    ruleset,
    rule,
    kind: 'hash' as const,
    value: sha256 ?? sha1,
  }))
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()]
}

/** `found` counts while the server is being asked. Choosing other rows forgets what was gathered. */
function useGathering(query: MatchQuery, matches: readonly Match[]) {
  const [gathered, setGathered] = useState<Gathered | null>(null)
  const [found, setFound] = useState<number | null>(null)
  const asking = useRef<AbortController | null>(null)
  const drop = () => {
    asking.current?.abort()
    setFound(null)
    setGathered(null)
  }
  const rows = matches.map(({ id }) => id).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice of rows is what ends it
  useEffect(() => drop, [rows])

  const gather = async () => {
    const mine = new AbortController()
    asking.current = mine
    setFound(0)
    try {
      const all = await gatherMatches(query, { signal: mine.signal, onProgress: setFound })
      if (!mine.signal.aborted) setGathered(all)
    } catch (error) {
      if (!mine.signal.aborted) notifyFailed(error)
    } finally {
      if (!mine.signal.aborted) setFound(null)
    }
  }
  return { gathered, found, gather: () => void gather(), drop }
}
