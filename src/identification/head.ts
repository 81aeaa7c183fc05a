/** The first bytes of a file. Reads beyond them give 0 or nothing, so that a corrupt header needs no special care. */
export class Head {
  readonly bytes: Uint8Array
  /** Of the whole file. */
  readonly size: number
  readonly #view: DataView
  readonly #whole: Uint8Array

  /** `whole`: all bytes of the file, where they are at hand. */
  constructor(bytes: Uint8Array, size: number, whole = bytes) {
    this.bytes = bytes
    this.size = size
    this.#whole = whole
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(offset: number): number {
    return this.bytes[offset] ?? 0
  }

  u16(offset: number, little = true): number {
    return this.#holds(offset, 2) ? this.#view.getUint16(offset, little) : 0
  }

  u32(offset: number, little = true): number {
    return this.#holds(offset, 4) ? this.#view.getUint32(offset, little) : 0
  }

  /** Whether the Latin-1 characters of `text` stand at `offset`. */
  has(text: string, offset = 0): boolean {
    if (!this.#holds(offset, text.length)) return false
    for (let i = 0; i < text.length; i++) if (this.bytes[offset + i] !== text.charCodeAt(i)) return false
    return true
  }

  /** Where the Latin-1 characters of `text` first occur; -1 for nowhere in the head. */
  find(text: string): number {
    const { buffer, byteOffset, byteLength } = this.bytes
    return Buffer.from(buffer, byteOffset, byteLength).indexOf(text, 0, 'latin1')
  }

  /** `length` bytes as Latin-1 text, or as many as there are. */
  text(offset: number, length: number): string {
    const { buffer, byteOffset, byteLength } = this.bytes
    return Buffer.from(buffer, byteOffset, byteLength).toString('latin1', offset, offset + length)
  }

  /** `length` bytes anywhere in the file, or as many as are at hand. */
  beyond(offset: number, length: number): Uint8Array {
    return this.#whole.subarray(offset, offset + length)
  }

  /** As `has`, anywhere in the file. */
  hasBeyond(text: string, offset: number): boolean {
    return Buffer.from(this.beyond(offset, text.length)).toString('latin1') === text
  }

  #holds(offset: number, length: number): boolean {
    return offset >= 0 && offset + length <= this.bytes.length
  }
}

/** A recogniser's answer. */
export interface Recognised {
  readonly fileType: string
  readonly description: string
  readonly isArchive?: true
}
