import { ChevronDown, Search, X } from 'lucide-react'
import { type ReactNode, useEffect, useEffectEvent, useId, useState } from 'react'
import {
  Button as AriaButton,
  SearchField as AriaSearchField,
  Select as AriaSelect,
  TextField as AriaTextField,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
  Text,
  type TextFieldProps,
} from 'react-aria-components'
import styles from './field.module.css'
import menu from './menu.module.css'

/** One line of text with its label above. `problem` says what is wrong with it. */
export function TextField({
  label,
  hint,
  problem,
  ...rest
}: Omit<TextFieldProps, 'className' | 'style' | 'children'> & {
  readonly label: string
  readonly hint?: ReactNode
  readonly problem?: string | undefined
}) {
  return (
    <AriaTextField {...rest} isInvalid={problem !== undefined} className={styles.field ?? ''}>
      <Label className={styles.label ?? ''}>{label}</Label>
      <Input className={styles.input ?? ''} />
      {hint && (
        <Text slot="description" className={styles.hint ?? ''}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.problem ?? ''}>{problem}</FieldError>
    </AriaTextField>
  )
}

const SEARCH_PAUSE_MS = 200

/** Searches as one types, after a short pause. */
export function SearchField({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  // A page may draw the field anew all the time, with another function: the pause goes on.
  const search = useEffectEvent(onChange)
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => search(typed), SEARCH_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, value])
  return (
    <AriaSearchField
      aria-label={label}
      value={typed}
      onChange={setTyped}
      onSubmit={onChange}
      className={styles.search ?? ''}
    >
      <Search size={14} aria-hidden />
      <Input className={styles.input ?? ''} placeholder={label} />
      {typed !== '' && (
        <AriaButton className={styles.clear ?? ''} aria-label="Clear the search">
          <X size={14} aria-hidden />
        </AriaButton>
      )}
    </AriaSearchField>
  )
}

/** One of a few values. The label is read aloud and stands before the value. */
export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly id: T; readonly title: string }[]
  readonly onChange: (value: T) => void
}) {
  const id = useId()
  return (
    <AriaSelect
      aria-label={label}
      value={value}
      onChange={(key) => key !== null && onChange(key as T)}
      className={styles.select ?? ''}
    >
      {/* By itself the button would be called by its value first, other than it reads. */}
      <AriaButton className={styles.opener ?? ''} aria-labelledby={id}>
        <span id={id} className={styles.words}>
          <span className={styles.inline}>{label}</span> <SelectValue />
        </span>
        <ChevronDown size={14} aria-hidden />
      </AriaButton>
      <Popover className={menu.popover ?? ''}>
        <ListBox className={menu.menu ?? ''} items={options}>
          {({ id, title }) => (
            <ListBoxItem id={id} className={menu.item ?? ''}>
              {title}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}

/** The row of search and filters above a list. */
export function Filters({
  label = 'Search and filters',
  children,
}: {
  readonly label?: string
  readonly children: ReactNode
}) {
  return (
    <search className={styles.filters} aria-label={label}>
      {children}
    </search>
  )
}
