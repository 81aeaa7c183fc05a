import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from './button.tsx'
import { notifyFailed } from './notices.tsx'

const TOLD_MS = 1_500

/** Puts a text into the clipboard and says so for a moment. `what` completes "Copy …". */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), TOLD_MS)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = () =>
    copyText(text).then(
      () => setCopied(true),
      () => notifyFailed(new Error('The browser did not allow copying. Select the text and copy it by keyboard.')),
    )
  return (
    <Button weight="quiet" isIcon aria-label={isCopied ? `Copied ${what}` : `Copy ${what}`} onPress={() => void copy()}>
      {isCopied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
    </Button>
  )
}

/** Browsers have the clipboard on pages that came over HTTPS or from this machine only; elsewhere there is the old way. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  field.style.position = 'fixed'
  field.style.opacity = '0'
  document.body.append(field)
  field.select()
  const isDone = document.execCommand('copy')
  field.remove()
  if (!isDone) throw new Error('not allowed')
}
