import { Type } from 'typebox'

const PositiveInteger = Type.String({ pattern: '^0*[1-9][0-9]{0,8}$', description: 'a whole number from 1' })

/** Both or neither; without them the first 10,000 rows are answered, which is mostly everything. */
export const Paging = {
  page: Type.Optional(PositiveInteger),
  page_size: Type.Optional(PositiveInteger),
}
