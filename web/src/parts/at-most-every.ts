/**
 * What may be asked for a thousand times a second, and is done at once, and then again no sooner than after `ms`
 * milliseconds: the last time for whatever was asked for meanwhile.
 */
export function atMostEvery(ms: number, action: () => void): () => void {
  let isResting = false
  let isAsked = false
  const act = () => {
    isResting = true
    setTimeout(() => {
      isResting = false
      if (!isAsked) return
      isAsked = false
      act()
    }, ms)
    action()
  }
  return () => {
    if (isResting) isAsked = true
    else act()
  }
}
