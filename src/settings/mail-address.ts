const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/** One plain e-mail address: no names, lists, comments or quoted parts, and nothing that cannot be seen. */
export function isMailAddress(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@')
  const isPlain = text.length <= 254 && more.length === 0 && /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}$/.test(local)
  return isPlain && domain.split('.').every((label) => LABEL.test(label))
}
