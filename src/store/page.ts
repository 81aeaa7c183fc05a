import { Failure } from '../errors/index.ts'

/** A part of a list: `number` counts from 1, `size` is how many entries a page has; both are positive integers. */
export interface Page {
  readonly number: number
  readonly size: number
}

/**
 * How many of `count` entries come before the page. `page.beyond-end` for a page past the last one; the first page is
 * always there, even of an empty list.
 */
export function offsetOf(page: Page, count: number): number {
  const pages = Math.max(1, Math.ceil(count / page.size))
  if (page.number > pages) {
    throw new Failure(
      'page.beyond-end',
      `Parameter not in expected range: page ${page.number} does not exist, the last one is ${pages}.`,
    )
  }
  return (page.number - 1) * page.size
}
