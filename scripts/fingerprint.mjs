// What a build was made from, as one digest. Part of the set-up, so it is plain JavaScript too.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of files and folders in `root`, tests left out. */
export function fingerprint(root, sources) {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of filesOf(root, source))
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function filesOf(root, path) {
  let entries
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true })
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path]
    throw error
  }
  return entries
    .filter(({ name }) => !/\.test\.tsx?$/.test(name))
    .map((entry) => `${path}/${entry.name}`)
    .sort()
    .flatMap((inner) => filesOf(root, inner))
}
