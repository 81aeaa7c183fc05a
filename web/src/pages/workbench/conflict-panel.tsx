import { useDeferredValue, useId } from 'react'
import { type Revision, useRevision } from '../../api/rulesets.ts'
import { Difference } from '../../editor/difference.tsx'
import { mergeTexts } from '../../editor/merge-texts.ts'
import { Button } from '../../parts/button.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { counted } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import styles from './conflict-panel.module.css'

/** Somebody has saved a revision while another text was being written: shows both, and lets a person decide. */
export function ConflictPanel({
  name,
  mine,
  base,
  theirs,
  onDecided,
}: {
  readonly name: string
  readonly mine: string
  /** The revision that `mine` was made of. */
  readonly base: number
  readonly theirs: Pick<Revision, 'number' | 'author' | 'content'>
  /** With the text that goes on from `theirs`. */
  readonly onDecided: (text: string) => void
}) {
  const heading = useId()
  const common = useRevision(name, base)
  // Comparing long texts at every key would hold up the keys.
  const shown = useDeferredValue(mine)
  const merge = (content: string) => {
    const { text, conflicts } = mergeTexts({ mine, base: content, theirs: theirs.content }, `revision ${theirs.number}`)
    onDecided(text)
    if (conflicts === 0) notifyDone('The text has both changes now. Look through it and save it.')
    else {
      const places = counted(conflicts, 'place was', 'places were')
      notifyFailed(`${places} changed by both: look for <<<<<<< and decide there, then save.`)
    }
  }
  return (
    <section className={styles.conflict} aria-labelledby={heading}>
      <h2 id={heading}>
        {theirs.author} saved revision {theirs.number} meanwhile
      </h2>
      <p>Your text was made of revision {base}. Nothing is lost: below is what yours changes in theirs.</p>
      {common.isError && <Problem error={common.error} onRetry={() => void common.refetch()} />}
      <div className={styles.actions}>
        <Button
          weight="main"
          onPress={() => common.data && merge(common.data.content)}
          isDisabled={common.data === undefined}
        >
          Merge both
        </Button>
        <Button onPress={() => onDecided(mine)}>Keep mine</Button>
        <Button onPress={() => onDecided(theirs.content)}>Take revision {theirs.number}</Button>
      </div>
      <div className={styles.difference}>
        <Difference before={theirs.content} after={shown} label={`Your text against revision ${theirs.number}`} />
      </div>
    </section>
  )
}
