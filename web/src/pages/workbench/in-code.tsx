/** Text in which parts between backticks are code. */
export function InCode({ text }: { readonly text: string }) {
  return text.split('`').map((part, position) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text keep their places
    return position % 2 === 1 ? <code key={position}>{part}</code> : part
  })
}
