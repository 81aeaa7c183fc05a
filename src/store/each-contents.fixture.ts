import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ContentStore, FileContents, Scratch, type StagedContent } from './files/index.ts'
import { isContentName } from './files/layout.ts'
import { Bucket, type BucketSettings, contentKey, LocalCache, S3Contents } from './s3/index.ts'
import { ObjectServer } from './s3/object-server.fixture.ts'
import { newPrefix, noGateway } from './s3/rgw.fixture.ts'

export interface FreshContents {
  readonly contents: ContentStore
  readonly scratch: Scratch
  /** Does what a janitor does in the course of some days; no content has a row. */
  sweep(): Promise<void>
}

interface TestedContents {
  readonly name: string
  /** False, or why it cannot be tested here. */
  readonly skip: string | false
  fresh(t: TestContext): Promise<FreshContents>
}

/** The stores that every test of the behaviour of contents is run on. */
export const contentStores: readonly TestedContents[] = [
  {
    name: 'files',
    skip: false,
    async fresh(t) {
      const { folder, scratch } = await freshScratch(t)
      return { contents: await FileContents.open(folder, scratch), scratch, sweep: async () => {} }
    },
  },
  {
    name: 'an object store in memory',
    skip: false,
    fresh: async (t) => freshObjects(t, (await ObjectServer.start(t)).settings()),
  },
  {
    name: 'Ceph',
    skip: noGateway,
    fresh: async (t) => freshObjects(t, await newPrefix()),
  },
]

const DAYS_MS = 3 * 24 * 60 * 60 * 1_000

async function freshObjects(t: TestContext, settings: BucketSettings): Promise<FreshContents> {
  const { folder, scratch } = await freshScratch(t)
  const bucket = await Bucket.open(settings)
  t.after(() => bucket.close())
  const cache = await LocalCache.open({
    folder: join(folder, 'cache'),
    limit: 1024 ** 2,
    isName: isContentName,
    keepsOverBoots: () => false,
  })
  const onLeft = (error: unknown) => {
    throw error
  }
  const contents = new S3Contents({ bucket, cache, scratch, onLeft })
  const rows = { listContents: async () => [], isStored: async () => false }
  const sweep = async () => {
    // Of the 256 first bytes those that a content has: each takes a question.
    const firsts = new Set<number>()
    for await (const page of bucket.list(contentKey('').replace(/\/+$/, '/')))
      for (const { key } of page) firsts.add(Number.parseInt(key.slice(key.lastIndexOf('/') + 1, -62), 16))
    for (const first of firsts) await contents.sweep(first, rows, Date.now() + DAYS_MS)
  }
  return { contents, scratch, sweep }
}

async function freshScratch(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-contents-'))
  const scratch = await Scratch.open(folder)
  t.after(async () => {
    await scratch.close()
    await rm(folder, { recursive: true })
  })
  return { folder, scratch }
}

/** A file of these bytes that is to become a content. */
export async function staged(
  scratch: Scratch,
  bytes: Uint8Array,
): Promise<StagedContent & { readonly sha256: Buffer }> {
  const temporary = scratch.fresh()
  await writeFile(temporary, bytes)
  return { temporary, sha256: createHash('sha256').update(bytes).digest(), synced: false }
}
