/** What tests of pages need of a server that goes away and comes back. */
import type { BrowserContext } from 'playwright-core'
import type { KillableServer } from '../faults/killable-server.ts'

/** Makes a user through the API and logs the profile in. */
export async function logInAsUser(context: BrowserContext, server: KillableServer, name: string): Promise<void> {
  const password = `${name} and a long password`
  await server.call('POST', '/api/users/', new URLSearchParams({ name, password, role: 'administrator' }))
  const page = await context.newPage()
  await page.goto(`${server.url}/log-in`)
  await page.getByLabel('User').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.close()
}
