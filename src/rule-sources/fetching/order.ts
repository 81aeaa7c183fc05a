/** What the server asks of a fetching process, and what that answers: one JSON text each, on its input and output. */
import type { NetworkRules } from '../../network/index.ts'
import type { Piece } from '../../yara/index.ts'

export type SourceKind = 'git' | 'archive'

/** A file that somebody has sent: what it was called there, with its folders, and where it is here. */
export interface GivenFile {
  readonly path: string
  readonly file: string
}

/** A file that could not be read; the message names file and line. */
export interface Unreadable {
  readonly path: string
  readonly message: string
}

export interface FetchLimits {
  /** Of what is downloaded, of what is unpacked, and of all texts together. */
  readonly bytes: number
  /** In the repository or archive, of whatever kind. */
  readonly files: number
  readonly timeMs: number
}

export interface FetchOrder {
  /** `look` only finds out whether it can be reached, and which version is current. */
  readonly task: 'look' | 'fetch'
  /** `given`: nothing is fetched, `files` are read. */
  readonly kind: SourceKind | 'given'
  readonly files?: readonly GivenFile[]
  readonly url: string
  /** A branch or a tag; '' for the default branch. */
  readonly branch: string
  /** For its server, as `token` or `user:password`; '' for none. */
  readonly token: string
  /** The version that the caller has: it is not fetched again. */
  readonly known: string | null
  /** A new folder; the caller removes it. */
  readonly folder: string
  readonly rules: NetworkRules
  readonly limits: FetchLimits
}

/** A YARA text of a source, with all that it includes. */
export interface FetchedText {
  /** From the root of the repository or archive, with slashes. */
  readonly path: string
  /** The text, in UTF-8. */
  readonly file: string
  readonly bytes: number
  /** SHA-256 of the text, in hexadecimal digits. */
  readonly digest: string
  readonly pieces: readonly Piece[]
}

export type FetchAnswer =
  /** `version`: a commit, or `sha256:` and the digest of an archive. */
  | { readonly state: 'found' | 'unchanged'; readonly version: string }
  | {
      readonly state: 'fetched'
      readonly version: string
      readonly texts: readonly FetchedText[]
      readonly unreadable: readonly Unreadable[]
    }
  | { readonly state: 'failed'; readonly code: string; readonly message: string }
