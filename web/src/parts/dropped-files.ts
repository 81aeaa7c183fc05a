/** A file with its path below what was dropped or chosen. */
export interface DroppedFile {
  readonly file: File
  readonly path: string
}

/** What was dropped, folders with everything in them. Must be called while the event is being handled. */
export async function droppedFiles(transfer: DataTransfer): Promise<DroppedFile[]> {
  // Entries and files are gone once the event is over, so all are taken before anything is waited for.
  const items = [...transfer.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  const entries = items.flatMap(({ entry }) => entry ?? [])
  // Files that do not lie on a disk, such as another program's attachments, have no entry.
  const loose = items.flatMap(({ entry, file }) => (entry || !file ? [] : { file, path: file.name }))
  return [...loose, ...(await filesUnder(entries))]
}

/** What an `<input type="file">` gives; with `webkitdirectory` the paths are there too. */
export function chosenFiles(list: FileList): DroppedFile[] {
  return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }))
}

async function filesUnder(entries: readonly FileSystemEntry[]): Promise<DroppedFile[]> {
  const found: DroppedFile[] = []
  const open = [...entries].reverse()
  for (let entry = open.pop(); entry; entry = open.pop()) {
    if (isFolder(entry)) open.push(...(await entriesOf(entry)).reverse())
    else found.push({ file: await fileOf(entry as FileSystemFileEntry), path: entry.fullPath.replace(/^\//, '') })
  }
  return found
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

/** A reader gives a folder's entries in portions, until a portion is empty. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return all
    all.push(...portion)
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}
