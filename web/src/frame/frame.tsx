import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Navigate, Outlet, useLocation } from 'react-router'
import { sessionEnded } from '../api/http.ts'
import { forgetSession, useSession } from '../api/session.ts'
import { useNewPageTitle } from '../parts/page-title.ts'
import { Problem } from '../parts/problem.tsx'
import styles from './frame.module.css'
import { Navigation } from './navigation.tsx'

/** Around every page behind the log-in: the navigation beside it, and the way to the log-in page without a session. */
export function Frame() {
  const session = useSession()
  const queries = useQueryClient()
  const { pathname, search } = useLocation()

  useEffect(() => {
    const forget = () => forgetSession(queries)
    sessionEnded.addEventListener('ended', forget)
    return () => sessionEnded.removeEventListener('ended', forget)
  }, [queries])

  if (session.isPending) return <p className="visually-hidden">Loading …</p>
  if (!session.data) return <Problem error={session.error} onRetry={() => void session.refetch()} />
  if (!session.data.user) {
    return <Navigate to={`/log-in?then=${encodeURIComponent(pathname + search)}`} replace />
  }
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#page">
        Skip to the page
      </a>
      <Navigation />
      <PageNews />
      <main id="page" className={styles.page} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  )
}

/** Another page is read aloud: no document is loaded for it, so browsers say nothing by themselves. */
function PageNews() {
  return (
    <p className="visually-hidden" role="status">
      {useNewPageTitle()}
    </p>
  )
}
