import { Search } from 'lucide-react'
import { type ClipboardEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { Dialog as AriaDialog, Modal, ModalOverlay } from 'react-aria-components'
import { Link, useNavigate } from 'react-router'
import { type Found, useFound } from '../api/search.ts'
import { Problem } from '../parts/problem.tsx'
import { type FoundGroup, type FoundLink, groupsOf } from './found-groups.ts'
import styles from './search-dialog.module.css'

const PAUSE_MS = 200

/** One search over everything: arrows choose, Enter opens, Escape closes. Each thing that is found is a link. */
export function SearchDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <ModalOverlay className={styles.overlay ?? ''} isOpen onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className={styles.modal ?? ''}>
        <AriaDialog className={styles.dialog ?? ''} aria-label="Search everything">
          <SearchEverything onClose={onClose} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

function SearchEverything({ onClose }: { readonly onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const asked = useAfterPause(typed.trim())
  const found = useFound(asked)
  const groups = asked === '' || !found.data ? [] : groupsOf(found.data, asked)
  const links = groups.flatMap((group) => group.links)
  const [chosen, setChosen] = useState(0)
  const navigate = useNavigate()
  const id = useId()
  const isWaiting = typed.trim() !== asked || found.isPlaceholderData || found.isLoading
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is found anew is chosen from anew
  useEffect(() => setChosen(0), [found.data])

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && links.length > 0) setChosen((chosen + step + links.length) % links.length)
    else if (event.key === 'Enter' && !isWaiting && links[chosen]) {
      void navigate(links[chosen].to)
      onClose()
    } else return
    event.preventDefault()
  }
  // A field has one line: the hashes of a list would be pasted as one long word.
  const onPaste = (event: ClipboardEvent<HTMLInputElement>) => {
    const pasted = event.clipboardData.getData('text')
    if (!/[\r\n]/.test(pasted)) return
    event.preventDefault()
    const { selectionStart, selectionEnd, value } = event.currentTarget
    const line = pasted.replace(/\s+/g, ' ').trim()
    setTyped(value.slice(0, selectionStart ?? 0) + line + value.slice(selectionEnd ?? value.length))
  }
  return (
    <>
      <div className={styles.field}>
        <Search size={16} aria-hidden />
        <input
          // biome-ignore lint/a11y/noAutofocus: the dialog was opened to write here
          autoFocus
          type="text"
          role="combobox"
          aria-label="Search everything"
          aria-expanded={links.length > 0}
          aria-controls={`${id}-found`}
          aria-autocomplete="list"
          aria-activedescendant={links[chosen] ? `${id}-${chosen}` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder="Hash, name, tag, ruleset, rule, text in rules, hunt"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
      </div>
      {found.error && asked !== '' && <Problem error={found.error} onRetry={() => void found.refetch()} />}
      <FoundList id={id} groups={groups} chosen={chosen} onChoose={setChosen} onClose={onClose} />
      <p role="status" className={styles.status}>
        {asked === ''
          ? 'Paste a list of hashes to see which samples are here.'
          : isWaiting
            ? 'Searching …'
            : found.data && <Summary found={found.data} links={links.length} />}
      </p>
    </>
  )
}

function FoundList({
  id,
  groups,
  chosen,
  onChoose,
  onClose,
}: {
  readonly id: string
  readonly groups: readonly FoundGroup[]
  readonly chosen: number
  readonly onChoose: (chosen: number) => void
  readonly onClose: () => void
}) {
  let at = 0
  return (
    <div id={`${id}-found`} role="listbox" aria-label="What was found" className={styles.found}>
      {groups.map(({ title, links }) => {
        const from = at
        at += links.length
        return (
          // biome-ignore lint/a11y/useSemanticElements: a group of options, not of fields
          <div key={title} role="group" aria-label={title} className={styles.group}>
            <p className={styles.title} aria-hidden>
              {title}
            </p>
            {links.map((link, n) => (
              <Option
                key={link.to + link.title}
                id={`${id}-${from + n}`}
                link={link}
                isChosen={from + n === chosen}
                onChoose={() => onChoose(from + n)}
                onClose={onClose}
              />
            ))}
          </div>
        )
      })}
    </div>
  )
}

function Option({
  id,
  link: { to, title, detail, isCode },
  isChosen,
  onChoose,
  onClose,
}: {
  readonly id: string
  readonly link: FoundLink
  readonly isChosen: boolean
  readonly onChoose: () => void
  readonly onClose: () => void
}) {
  const place = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    if (isChosen) place.current?.scrollIntoView({ block: 'nearest' })
  }, [isChosen])
  return (
    <Link
      ref={place}
      id={id}
      to={to}
      role="option"
      aria-selected={isChosen}
      tabIndex={-1}
      className={styles.option ?? ''}
      onMouseMove={() => !isChosen && onChoose()}
      // Another window was asked for with these keys: this one stays as it is.
      onClick={(event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && onClose()}
    >
      <span className={isCode ? styles.code : styles.name}>{title}</span>
      <span className={styles.detail}>{detail}</span>
    </Link>
  )
}

function Summary({ found, links }: { readonly found: Found; readonly links: number }) {
  const { hashes } = found
  if (hashes) {
    const unknown = hashes.unknown_count
    return (
      <>
        {hashes.asked - unknown} of {hashes.asked} hashes are of samples here.
        {unknown > 0 && ` Not here: ${hashes.unknown.slice(0, 5).join(', ')}${unknown > 5 ? ' …' : ''}`}
      </>
    )
  }
  if (links === 0) return <>Nothing was found.</>
  return <>{found.complete ? 'Enter opens what is chosen.' : 'Not all rules could be searched in time: write more.'}</>
}

function useAfterPause(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
