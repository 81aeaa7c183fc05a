/** The way from a hunt into the workbench. */
import type { Hunt } from '../../api/hunts.ts'
import { askedOf, everything } from './scope.ts'

/** With the text of a hunt, what it was over, as far as the fields can say it, and what it found. */
export function workbenchOf(hunt: Hunt): string {
  const asked = askedOf(hunt) ?? everything
  const scope = Object.entries(asked).filter(([name, value]) => value !== everything[name as keyof typeof everything])
  const id = String(hunt.id)
  return `/workbench?${new URLSearchParams([['hunt', id], ['run', id], ...scope])}`
}
