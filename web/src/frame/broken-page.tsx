import { useEffect } from 'react'
import { isRouteErrorResponse, useRouteError } from 'react-router'
import { isLost, lookForServer, onConnection } from '../api/connection.ts'
import { Problem } from '../parts/problem.tsx'

/** In the place of a page that failed; the navigation around it stays. */
export function BrokenPage() {
  const thrown = useRouteError()
  // After an update of the server, the code of a page that was not visited yet is there under another name only.
  const isOutdated = thrown instanceof TypeError && /dynamically imported module|module script/i.test(thrown.message)
  useEffect(() => {
    if (!isOutdated) return
    // Or the server is away; then the page loads itself when it is back.
    void lookForServer()
    return onConnection(() => !isLost() && window.location.reload())
  }, [isOutdated])
  const error = isOutdated
    ? new Error(
        'This page’s program could not be loaded; the server may be away, or was updated meanwhile. Load the page again.',
      )
    : isRouteErrorResponse(thrown)
      ? new Error(thrown.statusText)
      : thrown instanceof Error
        ? thrown
        : new Error(String(thrown))
  return <Problem error={error} onRetry={() => window.location.reload()} />
}
