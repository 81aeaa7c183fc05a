/** The audit log on the wire. */
import { Type } from 'typebox'
import { Time } from './times.ts'

export const AuditEntryShape = Type.Object({
  id: Type.Integer(),
  time: Time,
  user: Type.String({ description: 'the name at that time; empty where nobody was known' }),
  operation: Type.String({ description: 'its `operationId` in this document' }),
  subjects: Type.Array(Type.String(), { description: 'what it was about, as the request named it: the first 50' }),
  subject_count: Type.Integer({ description: 'how many things it was about' }),
  status: Type.Integer({ description: 'of the answer: 2xx was done, 4xx was refused' }),
  address: Type.String({ description: 'of the client' }),
})

export const AuditLogShape = Type.Object({
  results: Type.Array(AuditEntryShape),
  next_before: Type.Union([Type.Integer(), Type.Null()], { description: '`before` of the next page' }),
})
