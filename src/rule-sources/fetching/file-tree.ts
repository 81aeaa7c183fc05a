/** A version of a source. `tree` is null where only the version was asked for, or the caller has that already. */
export interface OpenedSource {
  readonly version: string
  readonly tree: FileTree | null
}

/** The files of a repository or an archive. Their names are never paths of this machine: nothing is checked out. */
export interface FileTree {
  /** Plain files, by path from the root, and their sizes; links and submodules are left out. */
  readonly files: ReadonlyMap<string, number>
  read(path: string): Promise<Uint8Array>
  close(): void
}

/** A path as it is kept: without empty steps and `.`. Null for one that leads out of the root. */
export function pathInTree(path: string): string | null {
  const steps: string[] = []
  for (const step of path.split('/')) {
    if (step === '' || step === '.') continue
    if (step !== '..') steps.push(step)
    else if (steps.pop() === undefined) return null
  }
  return steps.join('/')
}
