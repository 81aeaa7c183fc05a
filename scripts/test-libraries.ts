import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

/** Libraries of hundreds of modules each, none of which looks for files of its own. */
const libraries = ['typebox', 'kysely']

/**
 * Makes a few files of each library, for `test-imports.ts`: one for each name by which it may be imported, and `list.json`
 * with these names. Gives their folder, below the checkout's `node_modules`, where Node finds what they import in turn.
 */
export async function bundledLibraries(root: string): Promise<string> {
  const locked = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const folder = join(root, 'node_modules/.cache/test-libraries', locked)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const names = libraries.flatMap((library) => {
    const { exports } = JSON.parse(readFileSync(join(root, 'node_modules', library, 'package.json'), 'utf8'))
    return Object.keys(exports).map((path) => `${library}${path.slice(1)}`)
  })
  const fresh = mkdtempSync(`${folder}-`)
  const input = Object.fromEntries(names.map((name) => [name.replaceAll('/', '-'), name]))
  const build = await rolldown({ cwd: root, platform: 'node', input })
  await build.write({
    dir: fresh,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'parts/[name]-[hash].mjs',
  })
  await build.close()
  writeFileSync(join(fresh, 'list.json'), JSON.stringify(names))
  try {
    renameSync(fresh, folder)
  } catch (error) {
    // Another run was faster.
    if (!existsSync(folder)) throw error
    rmSync(fresh, { recursive: true })
  }
  return folder
}
