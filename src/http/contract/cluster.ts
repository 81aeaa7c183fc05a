/** The machines of a cluster and what they do, on the wire. */
import { Type } from 'typebox'
import { Time } from './times.ts'

export const ClusterShape = Type.Object({
  alone: Type.Boolean({ description: 'the server has a data folder of its own, and is no cluster' }),
  servers: Type.Array(
    Type.Object({
      id: Type.Integer(),
      name: Type.String({ description: 'of its machine' }),
      version: Type.String(),
      role: Type.Enum(['works', 'stands by', 'passes on', 'gone'], {
        description: 'one works; the others pass requests on, and take over unless they have no workers',
      }),
      url: Type.String({ description: 'where the other servers reach it' }),
      workers: Type.Integer(),
      started: Time,
      seen: Time,
    }),
  ),
  nodes: Type.Array(
    Type.Object({
      id: Type.Integer(),
      name: Type.String(),
      version: Type.String(),
      state: Type.Enum(['connected', 'gone']),
      workers: Type.Integer(),
      started: Time,
      seen: Time,
      cache_bytes: Type.Integer({ description: 'copies of samples and of the index' }),
      cache_limit: Type.Integer(),
      parts: Type.Integer({ description: 'parts of the work that it holds' }),
      done: Type.Integer(),
      failed: Type.Integer({ description: 'that it could not do; the server did' }),
      refused: Type.Integer({ description: 'whose results came too late' }),
    }),
  ),
  parts: Type.Array(
    Type.Object({
      hunt: Type.Union([Type.Integer(), Type.Null()], { description: 'null where they are of no hunt' }),
      kind: Type.Enum(['evaluate', 'verify', 'examine', 'merge'], {
        description:
          'of a hunt: asks a segment for candidates, or scans some; of samples that arrive: examines some; of the index: merges segments',
      }),
      state: Type.Enum(['offered', 'claimed', 'done', 'failed']),
      node: Type.Union([Type.Integer(), Type.Null()], { description: 'who holds them, or has done them' }),
      count: Type.Integer(),
      oldest_seconds: Type.Number(),
    }),
    { description: 'of the work, those that were offered to nodes and that the server has not taken in yet' },
  ),
  waiting: Type.Array(
    Type.Object({
      what: Type.String(),
      count: Type.Integer(),
      oldest_seconds: Type.Union([Type.Number(), Type.Null()]),
      why: Type.String(),
    }),
    { description: 'what waits, and for what' },
  ),
})
