/** Small facts of the installation, each under a key. */
export interface StoredSettings {
  find(key: string): Promise<string | null>
  /** In place of the one before. */
  set(key: string, value: string): Promise<void>
  /** Adds one to a number, which is 0 where there is none. Returns the new one. */
  increment(key: string): Promise<number>
}
