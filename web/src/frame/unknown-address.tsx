import { LinkButton } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'

export function UnknownAddress() {
  return (
    <EmptyState
      isPage
      title="There is no page at this address"
      action={<LinkButton href="/">Go to the overview</LinkButton>}
    >
      The address may have been cut off when it was copied.
    </EmptyState>
  )
}
