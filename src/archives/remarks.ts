/** What the note of an archive says about files in it that did not come out. */

export const damagedRemark = (files: number): string =>
  `${files} ${files === 1 ? 'contained file is' : 'contained files are'} damaged or cut off.`

/** `bytes` is what one may have; null where only some of the limits are known. */
export const oversizedRemark = (files: number, bytes: number | null): string =>
  `${files} ${files === 1 ? 'contained file' : 'contained files'} larger than ${bytes === null ? 'allowed' : `${bytes} bytes`} ` +
  `${files === 1 ? 'was' : 'were'} not unpacked.`

/** So many headers were read, most of them of folders and links, that files may lie behind them. */
export const entriesRemark = (entries: number): string =>
  `It has more than ${entries} entries, folders among them; the rest was not unpacked.`
