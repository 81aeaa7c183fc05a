/** The log-in with a real identity provider, in a real browser. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Configuration, Provider } from 'oidc-provider'
import { readSettings } from '../../src/settings/index.ts'
import { TestServer } from '../http/harness.ts'
import { PREFIX, PrefixProxy } from '../http/prefix-proxy.ts'
import { skip, Watched } from './browser.ts'

const SECRET = 'a secret of the client, long enough for its algorithm'

/** A port for the provider, whose address the server has to know before the provider can know the server's. */
async function startProvider(t: TestContext) {
  let handle: ReturnType<Provider['callback']> | null = null
  const http = createServer((request, answer) => {
    if (handle) void handle(request, answer)
    else answer.writeHead(503).end()
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  t.after(async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const knows = (server: string) => {
    const configuration: Configuration = {
      clients: [
        {
          client_id: 'backtrail',
          client_secret: SECRET,
          redirect_uris: [`${server}/api/sign-on/callback/`],
          post_logout_redirect_uris: [`${server}/log-in`],
        },
      ],
      claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({ sub: id, preferred_username: id, groups: id === 'olga' ? ['hunters'] : ['accountants'] }),
      }),
      features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      cookies: { keys: ['a key of this test'] },
    }
    handle = new Provider(issuer, configuration).callback()
  }
  return { issuer, knows }
}

test('somebody logs in with the provider, comes to the page that was asked for, and logs out of both', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const { issuer, knows } = await startProvider(t)
  const { oidcIssuer, oidcClientId, oidcRoles, oidcLabel } = readSettings(
    { oidcIssuer: issuer, oidcClientId: 'backtrail', oidcRoles: 'hunters=user', oidcLabel: 'Example login' },
    {},
  )
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-sign-on-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/secret`, `${SECRET}\n`)
  const server = await TestServer.start({
    ...{ oidcIssuer, oidcClientId, oidcRoles, oidcLabel, basePath: PREFIX },
    oidcClientSecretFile: `${folder}/secret`,
  })
  t.after(() => server.stop())
  const proxy = await PrefixProxy.start(server.url, { takesOff: true, says: false })
  t.after(() => proxy.stop())
  knows(proxy.url)
  const browser = await Watched.start()
  t.after(() => browser.stop())
  const context = await browser.profile(new URL(proxy.url).origin)
  context.setDefaultTimeout(60_000)
  // A font that the provider's own pages want.
  await context.route(/fonts\.googleapis/, (route) => route.abort())
  const page = await context.newPage()

  const logInAs = async (name: string) => {
    await page.getByRole('link', { name: 'Log in with Example login' }).click()
    await page.getByPlaceholder('Enter any login').fill(name)
    await page.getByPlaceholder('and password').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
  }

  await page.goto(`${proxy.url}/hunts?of=all`)
  await logInAs('otto')
  await page.getByRole('alert').getByText('You are in no group that may use this server.').waitFor()
  assert.equal(page.url(), `${proxy.url}/log-in`)
  await context.clearCookies()

  await page.goto(`${proxy.url}/hunts?of=all`)
  await logInAs('olga')
  await page.getByRole('heading', { level: 1, name: 'Hunts' }).waitFor()
  assert.equal(page.url(), `${proxy.url}/hunts?of=all`)
  await page.reload()
  await page.getByRole('button', { name: /olga/ }).click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByRole('button', { name: /Yes, sign me out/ }).click()
  await page.getByRole('link', { name: 'Log in with Example login' }).waitFor()
  assert.equal(page.url().split('?')[0], `${proxy.url}/log-in`)
  assert.ok((await context.cookies()).every(({ name }) => name !== 'backtrail_session'))
  // The provider asks again who it is: its session has ended too.
  await page.getByRole('link', { name: 'Log in with Example login' }).click()
  await page.getByPlaceholder('Enter any login').waitFor()
  assert.deepEqual(proxy.strays, [])
  // The provider's own pages are on another origin, and want a font from elsewhere.
  browser.assertNoComplaints(
    new RegExp(`^request to (?:${issuer}|https://fonts\\.)|fonts\\.|ERR_|127\\.0\\.0\\.1.*Content`),
  )
})
