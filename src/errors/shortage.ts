/** What the system was short of, and may have again. */
const shortages = new Set(['ENOSPC', 'EDQUOT', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN'])

/** Whether it says nothing about the file that it was met at. */
export function isShortage(error: unknown): boolean {
  return shortages.has((error as NodeJS.ErrnoException | null)?.code ?? '')
}
