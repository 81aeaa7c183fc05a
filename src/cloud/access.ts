import { readCertificates, readFirstLine, type Settings } from '../settings/index.ts'

/** What it takes to talk to a cloud. */
export interface CloudAccess {
  readonly url: string
  readonly user: string
  readonly password: string
  /** Address of an HTTP proxy; null for none. */
  readonly proxy: string | null
  /** Certificates (PEM) of the authorities that are believed; null for the well-known ones. */
  readonly ca: string | null
  /** How long the cloud may take to answer one question. */
  readonly timeoutMs: number
}

export type CloudSettings = Pick<
  Settings,
  | 'cloudUrl'
  | 'cloudUser'
  | 'cloudPassword'
  | 'cloudPasswordFile'
  | 'cloudProxy'
  | 'cloudCa'
  | 'cloudContribute'
  | 'cloudPoll'
  | 'cloudWait'
  | 'cloudTimeout'
>

/** Reads what the settings name; null where they name no cloud. `settings.invalid` for a file that is of no use. */
export function cloudAccess(settings: CloudSettings): CloudAccess | null {
  const { cloudUrl, cloudUser, cloudPassword, cloudPasswordFile, cloudProxy, cloudCa, cloudTimeout } = settings
  if (cloudUrl === '') return null
  return {
    url: cloudUrl.replace(/\/+$/, ''),
    user: cloudUser,
    password:
      cloudPassword === ''
        ? readFirstLine(cloudPasswordFile, '--cloud-password-file', "the cloud's password")
        : cloudPassword,
    proxy: cloudProxy === '' ? null : cloudProxy,
    ca: cloudCa === '' ? null : readCertificates(cloudCa, '--cloud-ca'),
    timeoutMs: cloudTimeout,
  }
}
