/** Saves an answer's body under the name that the server gave it. */
export async function saveFile(answer: Response): Promise<void> {
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'download'
  const address = URL.createObjectURL(await answer.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken hold of the content by the next turn, but older ones need a moment.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
