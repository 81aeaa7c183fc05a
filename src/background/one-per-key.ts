/** Work of which one piece is under way for each key; whoever asks for another meanwhile joins it. */
export class OnePerKey<Key> {
  readonly #underWay = new Map<Key, Promise<void>>()

  run(key: Key, work: () => Promise<void>): Promise<void> {
    const running = this.#underWay.get(key)
    if (running) return running
    const ended = work().finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, ended)
    return ended
  }
}
