import type { FeedKind } from '../tca/index.ts'
import type { Micros } from './clock.ts'

export interface FeedPosition {
  readonly feed: FeedKind
  /** Seconds by the cloud's clock. */
  readonly position: number
  /** When it was last read to its end; null when it never was. */
  readonly caughtUp: Micros | null
}

/** How far the feeds of the cloud were read. Positions are seconds by the cloud's clock. */
export interface StoredCloudFeeds {
  /** Empty before the cloud was first reached. */
  positions(): Promise<FeedPosition[]>
  /** `earliest`: nothing before it is asked for. `moved` grows whenever somebody moves the position. */
  find(feed: FeedKind): Promise<{ readonly position: number; readonly earliest: number; readonly moved: number }>
  /** Where reading begins; feeds that were read already stay where they are. */
  open(feeds: readonly FeedKind[], position: number): Promise<void>
  /** Somebody wants the feed to be read from this second on, also again. */
  move(feed: FeedKind, second: number): Promise<void>
  /** False, and nothing is changed, when somebody moved the position since. */
  advance(feed: FeedKind, position: number, moved: number): Promise<boolean>
  /** Unless somebody moved the position since. */
  setCaughtUp(feed: FeedKind, at: Micros, moved: number): Promise<void>
}
