import { type FormEvent, useState } from 'react'
import { type Ruleset, useSetNotes } from '../../api/rulesets.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { TextArea } from '../../parts/text-area.tsx'
import styles from './notes.module.css'

/** What users write down about a ruleset: notes, tags, and until when it runs. */
export default function Notes({ ruleset, mayChange }: { readonly ruleset: Ruleset; readonly mayChange: boolean }) {
  const { name } = ruleset
  const save = useSetNotes(name)
  const [notes, setNotes] = useState(ruleset.notes)
  const [tags, setTags] = useState(ruleset.tags.join(', '))
  const before = ruleset.expires?.slice(0, 10) ?? ''
  const [day, setDay] = useState(before)
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(
      {
        notes,
        tags: tags
          .split(',')
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ''),
        // The day counts whole.
        ...(day !== before && { expires: day === '' ? null : `${day}T23:59:59Z` }),
      },
      { onError: notifyFailed, onSuccess: () => notifyDone(`The notes of ${name} are saved.`) },
    )
  }
  return (
    <form className={styles.form} onSubmit={onSubmit}>
      <TextArea
        label="Notes"
        value={notes}
        onChange={setNotes}
        isReadOnly={!mayChange}
        maxLength={10_000}
        hint="What colleagues should know: where the rules come from, what they are for, what they miss."
      />
      <TextField
        label="Tags"
        value={tags}
        onChange={setTags}
        isReadOnly={!mayChange}
        autoComplete="off"
        hint="Separated by commas. The list of rulesets can be narrowed to a tag."
      />
      <TextField
        label="Runs until the end of"
        type="date"
        value={day}
        onChange={setDay}
        isReadOnly={!mayChange}
        hint={
          ruleset.expired
            ? 'This day has passed, so the ruleset was disabled by itself. Enabling it takes the date away.'
            : 'A day in UTC, after which the ruleset is disabled by itself; empty for no end.'
        }
      />
      {mayChange && (
        <div>
          <Button type="submit" weight="main" isDisabled={save.isPending}>
            Save
          </Button>
        </div>
      )}
    </form>
  )
}
