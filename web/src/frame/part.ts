/**
 * Loading the parts of the application: each page's code comes when the page is first visited, and the server may be away
 * just then, or have another build by now.
 *
 *    import fails ─▶ the server is away ─▶ wait until it is back ─▶ import again
 *                 └▶ it answers ─▶ import again, once ─▶ fails: `MissingPart`, and the page is loaded anew
 *
 * Meanwhile the page that was there stays, with what was written on it.
 */
import { isLost, lookForServer, onConnection } from '../api/connection.ts'

/** The server answers, and does not give this part: most likely the page comes from an older build. */
export class MissingPart extends Error {
  constructor(cause: unknown) {
    super('This page\u2019s program could not be loaded; the server was updated meanwhile. Load the page again.', {
      cause,
    })
  }
}

/** What `load` imports. Waits as long as the server is away; fails with `MissingPart` only. */
export async function part<T>(load: () => Promise<T>): Promise<T> {
  let refusals = 0
  for (;;) {
    try {
      const loaded = await load()
      await loadFailedStyles()
      return loaded
    } catch (error) {
      if (await lookForServer()) {
        refusals += 1
        if (refusals > 1) throw new MissingPart(error)
      } else {
        refusals = 0
        await untilBack()
      }
    }
  }
}

function untilBack(): Promise<void> {
  return new Promise((resolve) => {
    const end = onConnection(() => {
      if (isLost()) return
      end()
      resolve()
    })
    // It may have come back between the look and this line.
    if (!isLost()) {
      end()
      resolve()
    }
  })
}

/** A style sheet that did not arrive is not asked for again by an import that is tried again. */
async function loadFailedStyles(): Promise<void> {
  const failed = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter(({ sheet }) => !sheet)
  await Promise.all(
    failed.map(async (link) => {
      const again = link.cloneNode() as HTMLLinkElement
      const loaded = new Promise((resolve, reject) => {
        again.addEventListener('load', resolve)
        again.addEventListener('error', () => reject(new Error(`${link.href} could not be loaded`)))
      })
      link.replaceWith(again)
      await loaded
    }),
  )
}
