import { readFileSync } from 'node:fs'
import { Failure } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'

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
    password: cloudPassword === '' ? firstLine(cloudPasswordFile) : cloudPassword,
    proxy: cloudProxy === '' ? null : cloudProxy,
    ca: cloudCa === '' ? null : certificates(cloudCa),
    timeoutMs: cloudTimeout,
  }
}

function firstLine(file: string): string {
  const [line = ''] = read(file, '--cloud-password-file').split(/\r?\n/, 1)
  if (line === '') throw new Failure('settings.invalid', `The first line of ${file} should be the cloud's password.`)
  return line
}

function certificates(file: string): string {
  const pem = read(file, '--cloud-ca')
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Failure('settings.invalid', `The file ${file} (--cloud-ca) has no certificate in PEM form.`)
  }
  return pem
}

function read(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new Failure('settings.invalid', `The file ${file} (${flag}) cannot be read.`)
  }
}
