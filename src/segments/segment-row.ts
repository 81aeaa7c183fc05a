import type { Database } from '../store/index.ts'

/** A live segment. Ids of different segments may interleave; each sample is in at most one live segment. */
export interface SegmentFile {
  readonly id: number
  /** Absolute path, for `evaluate` tasks. */
  readonly path: string
  /** Every sample of the segment has an id in [firstId, lastId]. */
  readonly firstId: number
  readonly lastId: number
  /** Samples in the file; deleted ones may be among them. */
  readonly samples: number
  readonly bytes: number
}

/** A segment on disk that is not live yet. */
export type PreparedSegment = Omit<SegmentFile, 'id'>

/** The live segments, ascending by `firstId`. `pathOf` gives the absolute path of a row's file. */
export async function liveSegments(database: Database, pathOf: (file: string) => string): Promise<SegmentFile[]> {
  const rows = await database
    .selectFrom('segments')
    .select(['id', 'file', 'first_id', 'last_id', 'samples', 'bytes'])
    .where('state', '=', 'live')
    .orderBy('first_id')
    .orderBy('id')
    .execute()
  return rows.map(({ id, file, first_id, last_id, samples, bytes }) => ({
    id,
    path: pathOf(file),
    firstId: first_id,
    lastId: last_id,
    samples,
    bytes,
  }))
}

/** How many samples each segment still has, by segment id; segments without any are missing. */
export async function remainingSamples(database: Database): Promise<Map<number, number>> {
  const rows = await database
    .selectFrom('samples')
    .select(({ fn }) => ['segment_id', fn.countAll<number>().as('samples')])
    .where('segment_id', 'is not', null)
    .groupBy('segment_id')
    .execute()
  return new Map(rows.map(({ segment_id, samples }) => [segment_id as number, samples]))
}
