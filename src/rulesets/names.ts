import { Failure, type FailureCode } from '../errors/index.ts'

const LONGEST = 48

/** Fails with the code unless the name has 3 to 48 ASCII letters, digits, underscores or hyphens. */
export function checkName(name: string, code: FailureCode, message?: string): void {
  if (!/^[A-Za-z0-9_-]{3,48}$/.test(name)) throw new Failure(code, message, { name })
}

/**
 * A legal name made of a file's name: without the folder and the ending, with underscores for what a name cannot
 * hold. `rules/Win32.Ransomware.X.yara` becomes `Win32_Ransomware_X`.
 */
export function rulesetNameOf(file: string): string {
  const base = file.replace(/^.*[/\\]/, '').replace(/\.(yar|yara|rule|rules)$/i, '')
  const legal = base.replace(/[^A-Za-z0-9_-]+/g, '_')
  return legal.slice(0, LONGEST).padEnd(3, '_')
}
