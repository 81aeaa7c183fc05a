/** Quotas on the wire: how much a user may send, and has sent. */
import { Type } from 'typebox'

// Null first: the validator takes a null for the number 0 elsewhere.
const Limit = (description: string) =>
  Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })], { description })

export const limits = {
  day_samples: Limit('that are sent in a day (UTC); null for no limit'),
  day_bytes: Limit('the same in bytes'),
  total_samples: Limit('that are stored; null for no limit'),
  total_bytes: Limit('the same in bytes'),
}

export const QuotaShape = Type.Object({
  ...limits,
  own: Type.Boolean({ description: 'false: it is the one of everybody without a quota of their own' }),
  used: Type.Object({
    day_samples: Type.Integer(),
    day_bytes: Type.Integer(),
    total_samples: Type.Integer(),
    total_bytes: Type.Integer(),
  }),
})

export const QuotaBody = Type.Object({
  day_samples: Type.Optional(limits.day_samples),
  day_bytes: Type.Optional(limits.day_bytes),
  total_samples: Type.Optional(limits.total_samples),
  total_bytes: Type.Optional(limits.total_bytes),
})
