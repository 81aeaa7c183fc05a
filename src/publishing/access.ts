import { Failure } from '../errors/index.ts'
import { readPublicKey } from '../manager-protocol/index.ts'
import { readCertificates, readNamedFile, type Settings } from '../settings/index.ts'

/** What it takes to talk to a manager. */
export interface ManagerAccess {
  readonly url: string
  readonly token: string
  /** The manager's public key; null: the one of the first connection. */
  readonly key: string | null
  /** Certificates (PEM) of the authorities that are believed; null for the well-known ones. */
  readonly ca: string | null
  /** How long the manager may take to answer, beside the wait for news. */
  readonly timeoutMs: number
}

export type ManagerSettings = Pick<
  Settings,
  | 'managerUrl'
  | 'managerToken'
  | 'managerTokenFile'
  | 'managerKey'
  | 'managerCa'
  | 'managerTimeout'
  | 'managerWait'
  | 'syncPoll'
  | 'syncConflicts'
  | 'syncPublishers'
>

/** Reads what the settings name; null where they name no manager. `settings.invalid` for what is of no use. */
export function managerAccess(settings: ManagerSettings): ManagerAccess | null {
  const { managerUrl, managerToken, managerTokenFile, managerKey, managerCa, managerTimeout } = settings
  if (managerUrl === '') return null
  const token = managerToken === '' ? firstLine(managerTokenFile) : managerToken
  if (token === '') {
    throw new Failure(
      'settings.invalid',
      'A manager (--manager-url) needs the token of this appliance: BACKTRAIL_MANAGER_TOKEN, or --manager-token-file.',
    )
  }
  if (managerKey !== '' && readPublicKey(managerKey) === null) {
    throw new Failure('settings.invalid', 'The manager key (--manager-key) is no Ed25519 key; the manager shows it.')
  }
  return {
    url: managerUrl.replace(/\/+$/, ''),
    token,
    key: managerKey === '' ? null : managerKey,
    ca: managerCa === '' ? null : readCertificates(managerCa, '--manager-ca'),
    timeoutMs: managerTimeout,
  }
}

function firstLine(file: string): string {
  if (file === '') return ''
  return readNamedFile(file, '--manager-token-file').split(/\r?\n/, 1)[0]?.trim() ?? ''
}
