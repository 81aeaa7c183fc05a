import type { ReactNode } from 'react'
import {
  TextArea as AriaTextArea,
  TextField as AriaTextField,
  Label,
  Text,
  type TextFieldProps,
} from 'react-aria-components'
import styles from './field.module.css'

/** Some lines of text with their label above. */
export function TextArea({
  label,
  hint,
  ...rest
}: Omit<TextFieldProps, 'className' | 'style' | 'children'> & { readonly label: string; readonly hint?: ReactNode }) {
  return (
    <AriaTextField {...rest} className={styles.field ?? ''}>
      <Label className={styles.label ?? ''}>{label}</Label>
      <AriaTextArea className={`${styles.input} ${styles.lines}`} rows={8} />
      {hint && (
        <Text slot="description" className={styles.hint ?? ''}>
          {hint}
        </Text>
      )}
    </AriaTextField>
  )
}
