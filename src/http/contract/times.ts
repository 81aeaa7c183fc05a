import { Type } from 'typebox'

/** A moment, in ISO 8601. */
export const Time = Type.String({ format: 'date-time' })

export const TimeOrNull = Type.Union([Time, Type.Null()])
