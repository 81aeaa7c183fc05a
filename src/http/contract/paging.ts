import { Type } from 'typebox'

const PositiveInteger = Type.String({ pattern: '^0*[1-9][0-9]{0,8}$', description: 'a whole number from 1' })

export const CountedShape = Type.Object({
  count: Type.Integer({ description: 'exact up to 10,000' }),
  more: Type.Boolean({ description: 'true: there are more, or there may be, since not all were looked at in time' }),
})

/** Both or neither; without them the first 10,000 rows are answered, which is mostly everything. */
export const Paging = {
  page: Type.Optional(PositiveInteger),
  page_size: Type.Optional(PositiveInteger),
}
