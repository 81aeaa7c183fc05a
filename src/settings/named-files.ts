import { readFileSync } from 'node:fs'
import { Failure } from '../errors/index.ts'

/** The text of a file that a setting names. Fails with `settings.invalid`, naming the option `flag`. */
export function readNamedFile(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new Failure('settings.invalid', `The file ${file} (${flag}) cannot be read.`)
  }
}

/**
 * The first line of a file that a setting names, which is `what`. Fails as `readNamedFile` does, and where the line is empty.
 */
export function readFirstLine(file: string, flag: string, what: string): string {
  const [line = ''] = readNamedFile(file, flag).split(/\r?\n/, 1)
  if (line === '') throw new Failure('settings.invalid', `The first line of ${file} should be ${what}.`)
  return line
}

/** Certificates in PEM form, from a file that a setting names. Fails as `readNamedFile` does, and where it has none. */
export function readCertificates(file: string, flag: string): string {
  const pem = readNamedFile(file, flag)
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Failure('settings.invalid', `The file ${file} (${flag}) has no certificate in PEM form.`)
  }
  return pem
}
