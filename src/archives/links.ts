/** Longer ones are files whatever they say: nobody's path is as long. */
export const LONGEST_LINK = 1_024

/**
 * Whether the content of what says that it is a symbolic link can be the path that a link leads to. Programs that know no
 * links unpack it as a file, so anything else is one.
 */
export function isLinkTarget(content: Uint8Array): boolean {
  return content.length <= LONGEST_LINK && content.every((byte) => byte >= 0x20 && byte !== 0x7f)
}
