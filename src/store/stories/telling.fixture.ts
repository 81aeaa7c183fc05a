import { createHash } from 'node:crypto'

/** Notes what a store has answered. */
export type Tell = (what: string, answer: unknown) => void

export const digestOf = (kind: string, text: string): Uint8Array =>
  new Uint8Array(createHash(kind).update(text).digest())
export const digestsOf = (text: string) => ({
  sha256: digestOf('sha256', text),
  sha1: digestOf('sha1', text),
  md5: digestOf('md5', text),
  sha512: digestOf('sha512', text),
})

export const byId = <T extends { readonly id: number }>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => a.id - b.id)
