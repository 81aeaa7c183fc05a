import { createHash } from 'node:crypto'
import type { Repositories } from './store.ts'

interface Given {
  readonly name?: string
  readonly size?: number
  readonly fileType?: string
  /** When it came, and was processed. */
  readonly at?: number
}

/** Adds a processed sample, a row without a content, as intake does it. Its digests are those of the text. Returns its id. */
export async function addProcessedSample(
  { samples, intake }: Repositories,
  text: string,
  { name = 'sample', size = text.length, fileType = 'PE/Exe', at = 1 }: Given = {},
): Promise<number> {
  const digest = (algorithm: string): Uint8Array => createHash(algorithm).update(text).digest()
  const digests = { sha256: digest('sha256'), sha1: digest('sha1'), md5: digest('md5'), sha512: digest('sha512') }
  const [added] = await samples.add([{ ...digests, name, size }], at)
  if (!added) throw new Error('No sample was added.')
  const { id } = added
  const found = { fileType, typeDescription: '', note: null, keepsNote: false, isArchive: false, segment: null }
  await intake.complete([{ id, processedAt: at, ...found }])
  return id
}
