import { isRouteErrorResponse, useRouteError } from 'react-router'
import { Problem } from '../parts/problem.tsx'

/** In the place of a page that failed; the navigation around it stays. */
export function BrokenPage() {
  const thrown = useRouteError()
  // After an update of the server, the code of a page that was not visited yet is there under another name only.
  const isOutdated = thrown instanceof TypeError && /dynamically imported module|module script/i.test(thrown.message)
  const error = isOutdated
    ? new Error(
        'This page’s program could not be loaded; the server may have been updated meanwhile. Load the page again.',
      )
    : isRouteErrorResponse(thrown)
      ? new Error(thrown.statusText)
      : thrown instanceof Error
        ? thrown
        : new Error(String(thrown))
  return <Problem error={error} onRetry={() => window.location.reload()} />
}
