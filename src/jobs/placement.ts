import { createHash } from 'node:crypto'

/**
 * Who of some nodes is to have a copy of an object: the one whose name and the object's together have the greatest digest. When
 * a node comes or goes, only its own share changes hands. Null without nodes.
 */
export function placeOf(
  object: string,
  nodes: readonly { readonly id: number; readonly name: string }[],
): number | null {
  let best: { readonly id: number; readonly score: string } | null = null
  for (const { id, name } of nodes) {
    // By name: a node that is started anew on its machine finds the copies of before.
    const score = createHash('sha1').update(`${name}\0${object}`).digest('hex')
    if (best === null || score > best.score || (score === best.score && id < best.id)) best = { id, score }
  }
  return best?.id ?? null
}
