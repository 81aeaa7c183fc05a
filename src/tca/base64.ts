/**
 * How feeds carry names of strings and matched bytes: base64 in lines of 76 characters, each ended by a newline, so that
 * even a short one has a newline at its end.
 */
export function toBase64(bytes: Uint8Array): string {
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return encoded.replace(/.{1,76}/g, '$&\n')
}
