/** What became of something that was published, on the wire. */
import { type Static, Type } from 'typebox'
import type { Published } from '../../publishing/index.ts'

export const PublishedShape = Type.Object({
  state: Type.Enum(['published', 'waiting', 'out-of-sync', 'not-published'], {
    description:
      'published: all appliances get it; waiting: the manager has not answered yet; out-of-sync: another change was first, and a person decides; not-published: it does not compile here',
  }),
  sequence: Type.Union([Type.Integer(), Type.Null()], { description: 'of the manager' }),
  problem: Type.Union([Type.String(), Type.Null()]),
})

export function publishedJson({ state, sequence, problem }: Published): Static<typeof PublishedShape> {
  return { state, sequence, problem }
}
