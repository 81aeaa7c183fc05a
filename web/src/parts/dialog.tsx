import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { Button } from './button.tsx'
import styles from './dialog.module.css'

/** A window over the page; Escape closes it, and the focus goes back to where it was. */
export function Dialog({
  title,
  isOpen,
  onClose,
  actions,
  children,
}: {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <ModalOverlay
      className={styles.overlay ?? ''}
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable
    >
      <Modal className={styles.modal ?? ''}>
        <AriaDialog className={styles.dialog ?? ''}>
          <Heading slot="title" className={styles.title ?? ''}>
            {title}
          </Heading>
          <div className={styles.content}>{children}</div>
          {actions && <footer className={styles.actions}>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

/** Asks before something that cannot be undone; `action` is the verb on the button, such as `Delete`. */
export function Confirmation({
  title,
  action,
  isOpen,
  isBusy = false,
  onClose,
  onConfirm,
  children,
}: {
  readonly title: string
  readonly action: string
  readonly isOpen: boolean
  readonly isBusy?: boolean
  readonly onClose: () => void
  readonly onConfirm: () => void
  readonly children: ReactNode
}) {
  const actions = (
    <>
      <Button onPress={onClose}>Keep it as it is</Button>
      <Button weight="danger" isDisabled={isBusy} onPress={onConfirm}>
        {action}
      </Button>
    </>
  )
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose} actions={actions}>
      {children}
    </Dialog>
  )
}
