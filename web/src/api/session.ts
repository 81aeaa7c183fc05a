import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { call } from './http.ts'

export interface SessionUser {
  readonly name: string
  readonly role: 'administrator' | 'publisher' | 'user' | 'read-only'
}

export interface Session {
  /** Null before the log-in. */
  readonly user: SessionUser | null
  readonly version: string
  /** What the server is. */
  readonly parts: readonly ('appliance' | 'cloud' | 'manager')[]
  /** Null where there is no identity provider. */
  readonly sign_on: {
    readonly label: string
    /** Why this browser's latest log-in with it was refused. */
    readonly refused: string | null
  } | null
}

const key = ['session']

export function useSession() {
  return useQuery({ queryKey: key, queryFn: () => call<Session>('GET', '/api/session/'), staleTime: 60_000 })
}

/** Whether the user may send, tag and classify samples, save rulesets and hunt: all but those who only read. */
export const mayWork = (user: SessionUser): boolean => user.role !== 'read-only'

/** Who uses the application. Only for pages behind the log-in. */
export function useUser(): SessionUser {
  const { data } = useSession()
  if (!data?.user) throw new Error('This page is only for those who are logged in.')
  return data.user
}

export function useLogIn() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (asked: { username: string; password: string }) =>
      call<Session>('POST', '/api/session/', { json: asked }),
    onSuccess: (session) => queries.setQueryData(key, session),
  })
}

/** Leaves nothing behind of what was read under the session. */
export function useLogOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => call<{ log_out_at: string } | null>('DELETE', '/api/session/'),
    onSuccess: (elsewhere) => {
      // The identity provider has a session of its own.
      if (elsewhere) window.location.assign(elsewhere.log_out_at)
      forgetSession(queries)
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== key[0] })
    },
  })
}

/** The log-in page takes over; what was read stays, for the same user's next log-in. */
export function forgetSession(queries: ReturnType<typeof useQueryClient>): void {
  queries.setQueryData(key, (before?: Session) => ({
    version: before?.version ?? '',
    parts: before?.parts ?? [],
    sign_on: before?.sign_on ?? null,
    user: null,
  }))
}
