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

/** No more archives in archives are opened. */
export const deepRemark = (depth: number): string => `It lies ${depth} archives deep, and is not unpacked.`

const BY_ITSELF = 'too much came out of what was sent already; sent by itself, more comes out of it.'

/** What was sent may not have more members, or bytes of them, than a bound, and those before it had them. */
export const spentRemark = (isBegun: boolean): string =>
  isBegun ? `Not all of it is unpacked: ${BY_ITSELF}` : `It is not unpacked: ${BY_ITSELF}`

/** A remark that a bound on members or on their bytes was met. */
export function isOfBounds(remark: string): boolean {
  return /It (has|unpacks to) more [^.]*the rest was not unpacked\./.test(remark)
}

/** Whether the note of an archive says that less came out of it than does now, because of what it lay in. */
export function wasCutShort(
  note: string,
  now: {
    /** Fewer archives lie around it than are opened. */
    readonly isShallow: boolean
    /** By itself: its bounds are its own. */
    readonly isSent: boolean
  },
): boolean {
  return (now.isShallow && /It lies \d+ archives deep/.test(note)) || (now.isSent && note.includes(BY_ITSELF))
}
