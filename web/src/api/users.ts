import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { call } from './http.ts'
import type { SessionUser } from './session.ts'

export interface User {
  readonly name: string
  /** A tenant uses this installation as its cloud, and cannot log in here. */
  readonly role: SessionUser['role'] | 'tenant'
  readonly created: string
  /** Its password, tokens and sessions are refused. */
  readonly disabled: boolean
  readonly last_log_in: string | null
  readonly last_used: string | null
}

export interface Token {
  readonly id: number
  readonly label: string
  readonly created: string
  readonly last_used: string | null
  /** It is refused from then on; null: it never ends by itself. */
  readonly expires: string | null
  /** Names of operations; null: whatever its user may do. */
  readonly scope: readonly string[] | null
  readonly creator: string | null
}

const key = ['users']

export function useUsers(isAllowed: boolean) {
  return useQuery({
    queryKey: [...key, 'list'],
    queryFn: () => call<{ results: User[] }>('GET', '/api/users/'),
    enabled: isAllowed,
  })
}

export function useTokens(user: string) {
  return useQuery({
    queryKey: [...key, 'tokens', user],
    queryFn: () => call<{ results: Token[] }>('GET', `/api/users/${encodeURIComponent(user)}/tokens/`),
  })
}

function useChange<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({ mutationFn, onSuccess: () => queries.invalidateQueries({ queryKey: key }) })
}

export const useAddUser = () =>
  useChange((asked: { readonly name: string; readonly password: string; readonly role: SessionUser['role'] }) =>
    call<SessionUser>('POST', '/api/users/', { json: asked }),
  )

export const useSetRole = () =>
  useChange(({ name, role }: { readonly name: string; readonly role: SessionUser['role'] }) =>
    call<SessionUser>('POST', `/api/users/${encodeURIComponent(name)}/role/`, { json: { role } }),
  )

export const useRemoveUser = () =>
  useChange((name: string) => call<null>('DELETE', `/api/users/${encodeURIComponent(name)}/`))

export const useSetPassword = () =>
  useChange(
    ({
      name,
      password,
      current,
    }: {
      readonly name: string
      readonly password: string
      /** Needed for one's own. */
      readonly current?: string
    }) =>
      call<null>('POST', `/api/users/${encodeURIComponent(name)}/password/`, {
        json: { password, ...(current !== undefined && { current }) },
      }),
  )

export const useSetDisabled = () =>
  useChange(({ name, disabled }: { readonly name: string; readonly disabled: boolean }) =>
    call<SessionUser>('POST', `/api/users/${encodeURIComponent(name)}/disabled/`, { json: { disabled } }),
  )

export interface NewToken {
  readonly label: string
  readonly expires?: string
  readonly scope?: readonly string[]
}

/** The answer holds the token itself, which the server shows this once. */
export const useAddToken = () =>
  useChange(({ name, ...json }: NewToken & { readonly name: string }) =>
    call<{ id: number; token: string }>('POST', `/api/users/${encodeURIComponent(name)}/tokens/`, { json }),
  )

export const useRevokeToken = () =>
  useChange(({ name, id }: { readonly name: string; readonly id: number }) =>
    call<null>('DELETE', `/api/users/${encodeURIComponent(name)}/tokens/${id}/`),
  )
