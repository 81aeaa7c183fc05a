import { useEffect } from 'react'
import { isRouteErrorResponse, useRouteError } from 'react-router'
import { Problem } from '../parts/problem.tsx'
import { MissingPart } from './part.ts'

/** A page that was loaded anew for a missing part this lately is not loaded anew again: that did not help. */
const ANEW_AGAIN_MS = 30_000
const MARK = 'backtrail-loaded-anew'

/** In the place of a page that failed; the navigation around it stays. */
export function BrokenPage() {
  const thrown = useRouteError()
  const isOutdated = thrown instanceof MissingPart
  useEffect(() => {
    if (isOutdated) loadAnewOnce()
  }, [isOutdated])
  const error = isRouteErrorResponse(thrown)
    ? new Error(thrown.statusText)
    : thrown instanceof Error
      ? thrown
      : new Error(String(thrown))
  return <Problem error={error} onRetry={() => window.location.reload()} />
}

function loadAnewOnce(): void {
  const before = Number(sessionStorage.getItem(MARK) ?? 0)
  if (Date.now() - before < ANEW_AGAIN_MS) return
  sessionStorage.setItem(MARK, String(Date.now()))
  window.location.reload()
}
