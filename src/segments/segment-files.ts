/**
 * Where the files of segments are. A row names one by its file name; readers and workers take paths of this machine.
 * Files are written once and never change.
 */
export interface SegmentFiles {
  /** The id of this process. */
  readonly process: string

  /** Whether the process of that id is gone; null where that cannot be seen from here. */
  isGone(process: string): boolean | null

  /** How long a retired file stays at least, for those who read rows and files at different times. */
  readonly graceMs: number

  /** Makes the place ready. */
  open(): Promise<void>

  /** The path of a file by its name, whether or not it is there now. */
  pathOf(file: string): string

  /** For a file that is to be written here. It ends with `store` or `discard`, or with `storedElsewhere`. */
  freshPath(): string

  /**
   * The same for a file that another process has a name for. Throws where it is being written already: a process that goes on
   * with what it was to give up writes nothing between.
   */
  placeFor(file: string): string

  /** The file at a fresh path was written: when this resolves, it is safe to let a row name it. */
  store(path: string): Promise<void>

  /** Another process has stored the file of a fresh path. Its bytes; null where it is not there, and nothing has ended. */
  storedElsewhere(path: string): Promise<number | null>

  /**
   * No row is to name the file of a fresh path. It need not be there. Never fails: what cannot be removed now is found by a
   * sweep, and the reason to discard it is what is to be told.
   */
  discard(path: string): Promise<void>

  /**
   * Runs work while the files of these paths are there. Of one that is lost, nothing is: readers report it. Throws
   * `storage.unavailable`.
   */
  whileLocal<T>(paths: readonly string[], work: () => Promise<T>): Promise<T>

  /** Nobody reads the file any more. It need not be there. */
  remove(path: string): Promise<void>

  /** The bytes of those of the files that are kept, by their names. */
  sizes(files: readonly string[]): Promise<ReadonlyMap<string, number>>

  /** A copy here is damaged. True where a sound one is kept elsewhere, which has taken its place. */
  restore(path: string, isSound: (path: string) => boolean | Promise<boolean>): Promise<boolean>

  /**
   * Removes files that no row names and that nobody is going to let one name; gives how many. `namesInRows` is called
   * after the files were listed.
   */
  sweep(namesInRows: () => Promise<ReadonlySet<string>>): Promise<number>
}
