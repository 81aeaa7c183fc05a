import { useMutation } from '@tanstack/react-query'
import { call } from './http.ts'

/** A program that asks to be let in, by the code that it shows. */
export interface DeviceLogIn {
  readonly user_code: string
  /** What it calls itself. */
  readonly name: string
  /** How long its token is good for. */
  readonly days: number
  /** Names of operations; null: whatever the user may do. */
  readonly scope: readonly string[] | null
  /** Where it asked from. */
  readonly address: string
  readonly begun: string
}

const at = (user: string) => `/api/users/${encodeURIComponent(user)}/device/`

/** A mutation, since a wrong code counts: it is not asked for again by itself. */
export const useFindDevice = (user: string) =>
  useMutation({
    mutationFn: (code: string) => call<DeviceLogIn>('GET', `${at(user)}${encodeURIComponent(code)}/`),
  })

export const useDecideDevice = (user: string) =>
  useMutation({
    mutationFn: (json: { readonly user_code: string; readonly approve: boolean }) =>
      call<null>('POST', at(user), { json }),
  })
