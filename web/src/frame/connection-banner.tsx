import { Unplug } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useLostSince } from '../api/connection.ts'
import { notifyDone } from '../parts/notices.tsx'
import styles from './connection-banner.module.css'

/** Above every page while the server does not answer; a notice tells when it does again. */
export function ConnectionBanner() {
  const since = useLostSince()
  const wasLost = useRef(false)
  useEffect(() => {
    if (since === null && wasLost.current) notifyDone('The server is back.')
    wasLost.current = since !== null
  }, [since])
  return (
    <div role="status" className={styles.place}>
      {since !== null && (
        <p className={styles.banner}>
          <Unplug size={16} aria-hidden />
          <span>
            <strong>The server has not answered since {timeOf(since)}.</strong> What you wrote stays, and hunts on the
            server go on when it is back; so does this page, by itself.
          </span>
        </p>
      )}
    </div>
  )
}

const timeOf = (moment: number) => new Date(moment).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
