/** The files that rules of this machine include: below one folder, whatever links there are. */
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { IncludeFolder } from '../yara/index.ts'
import { reasonOf } from './walk.ts'

/** `root` is the folder that no include leads out of. Keys are paths behind all links. */
export async function includeFolder(root: string): Promise<IncludeFolder> {
  const { IncludeRefusal } = await import('../yara/index.ts')
  const realRoot = await realpath(root).catch(() => root)
  const refuse = (what: string): never => {
    throw new IncludeRefusal(what)
  }
  const orRefuse = (error: unknown) => refuse(reasonOf(error))
  return {
    async find(from, target, isFirst) {
      // What comes from a pipe includes files of the working folder.
      const place = resolve(isFirst && !isAbsolute(from) ? root : dirname(from), target)
      const key = await realpath(place).catch(orRefuse)
      const way = relative(realRoot, key)
      if (way === '..' || way.startsWith('../') || isAbsolute(way)) refuse(`it lies outside of ${root}`)
      const status = await stat(key).catch(orRefuse)
      if (!status.isFile()) refuse('it is not a file')
      return { key, size: status.size }
    },
    read: (key) => readFile(key).catch(orRefuse),
    show: (key) => relative(realRoot, key),
  }
}
