import { LEAST_BYTES } from './tlsh.ts'

/** Larger samples have no TLSH: computing it takes a worker ten to thirty nanoseconds a byte. */
export const MOST_BYTES = 64 * 1024 * 1024

/** What the file types of programs and documents begin with. Migrations to 0031 ask for the same. */
const types = /^(?:PE\/|PE\+\/|ELF|MachO|Document\/)/

/** Whether a TLSH is computed for samples of this type and size; of contents without variety there is none all the same. */
export function hasTlsh(fileType: string, size: number): boolean {
  return size >= LEAST_BYTES && size <= MOST_BYTES && types.test(fileType)
}
