import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Link } from 'react-aria-components'
import styles from './button.module.css'

/** `main`: the one thing to do here. `plain`: everything else. `quiet`: in rows and corners. `danger`: takes away. */
type Weight = 'main' | 'plain' | 'quiet' | 'danger'

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style'> {
  readonly weight?: Weight
  /** A button that shows only a picture; `aria-label` tells what it does. */
  readonly isIcon?: boolean
}

export function Button({ weight = 'plain', isIcon = false, ...rest }: ButtonProps) {
  return <AriaButton {...rest} className={`${styles.button} ${styles[weight]} ${isIcon ? styles.icon : ''}`} />
}

/** Looks like a button and goes to an address. `download` saves instead of showing; `leaves` is no page of ours. */
export function LinkButton({
  href,
  weight = 'plain',
  download,
  leaves,
  children,
}: {
  readonly href: string
  readonly weight?: Weight
  readonly download?: boolean
  readonly leaves?: boolean
  readonly children: ReactNode
}) {
  const className = `${styles.button} ${styles[weight]}`
  if (download || leaves) {
    return (
      <a href={href} download={download} className={className}>
        {children}
      </a>
    )
  }
  return (
    <Link href={href} className={className}>
      {children}
    </Link>
  )
}
