/** The Chromium that benchmarks of pages are walked in. */
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.BACKTRAIL_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-background-networking', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  })
}

/** Logs a profile in at the server at the address. */
export async function logIn(
  context: BrowserContext,
  url: string,
  { name: username, password }: { readonly name: string; readonly password: string },
): Promise<void> {
  const answer = await context.request.post(`${url}/api/session/`, {
    data: { username, password },
    headers: { 'x-backtrail-page': '1' },
  })
  if (!answer.ok()) throw new Error(`the log-in of ${username} was answered with ${answer.status()}`)
}
