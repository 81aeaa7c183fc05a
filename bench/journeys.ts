/** The journeys of docs/journeys.md, walked in a real Chromium: what is done for each, and how long the pages take. */
import { availableParallelism, loadavg } from 'node:os'
import { table } from './figures.ts'
import { journeys } from './journeys/journeys.ts'
import { Places } from './journeys/places.ts'

export async function benchJourneys(): Promise<string> {
  const places = await Places.open()
  const [load = 0] = loadavg()
  try {
    const rows: string[][] = []
    for (const [place, { title, walk }] of journeys.entries()) {
      const { page, steps, seconds } = await walk(places).catch((error) => {
        throw new Error(`${title}: ${error.message}`, { cause: error })
      })
      await page.context().close()
      console.error(`${title}: ${steps.length} steps, ${seconds.toFixed(1)} s`)
      rows.push([String(place + 1), title, String(steps.length), seconds.toFixed(1), steps.map(told).join(' → ')])
    }
    return `Server and browser on one machine with ${availableParallelism()} cores, which had a load of ${load.toFixed(1)} when this began.\n\n${table(['', 'journey', 'steps', 'seconds', 'what is done'], rows)}`
  } finally {
    await places.close()
  }
}

/** A step for a cell of a table. */
const told = (step: string) => step.replaceAll('|', '\\|')
