import { readFileSync } from 'node:fs'

let names: ReadonlyMap<number, string> | null = null

/** The name of a user of this machine; the number as text where the system's list has none. */
export function userName(id: number): string {
  names ??= readUsers()
  return names.get(id) ?? String(id)
}

/** Users that a directory service knows are not in this list. */
function readUsers(): Map<number, string> {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    // The first line of a number is the one that the system shows.
    return new Map(
      lines.reverse().flatMap((line) => {
        const [name, , id] = line.split(':')
        return name && id ? [[Number(id), name] as const] : []
      }),
    )
  } catch {
    return new Map()
  }
}
