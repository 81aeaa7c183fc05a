import type { TestContext } from 'node:test'
import type { Random } from '../planner/random.ts'
import { KillableServer } from './killable-server.ts'

export const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

/** Words, of which each second sample has the marked ones, and bytes that no other sample has. */
export function markedContent(random: Random, n: number): Buffer {
  const words = n % 2 === 0 ? 'the marked words' : 'other words'
  return Buffer.concat([Buffer.from(`sample ${n} ${words} `), random.bytes(500 + random.below(20_000))])
}

/** Makes a data folder at rest, with samples, and the ruleset `marks` that finds each second one. Gives their contents. */
export async function makeMarkedFolder(
  t: TestContext,
  data: string,
  random: Random,
  samples: number,
): Promise<readonly Buffer[]> {
  const server = new KillableServer(t, [], data)
  await server.start()
  await server.demandRuleset('marks', marks)
  const contents = Array.from({ length: samples }, (_, n) => markedContent(random, n))
  await server.untilProcessed(await Promise.all(contents.map((content, n) => server.take(content, `sample-${n}`))))
  await server.stop()
  return contents
}
