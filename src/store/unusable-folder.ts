import { Failure } from '../errors/index.ts'

/** What a start can meet in a data folder, by the system's code: what is so, and what to do. */
const sentences: Readonly<Record<string, string>> = {
  EACCES:
    'this user has no right to it. Give the data folder and all in it to the user that runs Backtrail (chown -R), or name another folder with --data.',
  EPERM:
    'this user has no right to it. Give the data folder and all in it to the user that runs Backtrail (chown -R), or name another folder with --data.',
  EROFS: 'it is on a file system that can only be read. Mount that for writing, or name another folder with --data.',
  ENOTDIR:
    'a part of this path is a file, and should be a folder. Move that file away, or name another folder with --data.',
  EEXIST:
    'it is a file, or a link that leads nowhere, and should be a folder. Move it away, or name another folder with --data.',
  EISDIR: 'it is a folder, and should be a file. Move it away.',
  ENOTEMPTY: 'it is a folder, and should be a file. Move it away.',
  ENOENT: 'it is missing, or a link to it leads nowhere. Put it back, or name another folder with --data.',
  ELOOP: 'its links lead in a circle. Name another folder with --data.',
  ENAMETOOLONG: 'the path is too long. Name another folder with --data.',
  EIO: 'the disk fails. Look at the system log, and at the backups.',
  EMFILE: 'this process may not open more files. Raise the limit (ulimit -n).',
  ENFILE: 'the system has no more open files to give. Raise its limit (fs.file-max).',
}

/** A system's error that a start met, as a sentence: `data-folder.unusable`, `storage.full`; any other error as it is. */
export function asUnusableFolder(error: unknown, dataFolder: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Failure('storage.full', `The storage of ${dataFolder} is full; free some space and start again.`)
  }
  const reason = sentences[code]
  if (reason === undefined) return error
  return new Failure('data-folder.unusable', `${path ?? dataFolder} cannot be used: ${reason}`, { code, syscall })
}
