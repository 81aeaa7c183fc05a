import { type LoaderFunctionArgs, type RouteObject, redirect } from 'react-router'
import { BrokenPage } from './frame/broken-page.tsx'
import { part } from './frame/part.ts'
import { UnknownAddress } from './frame/unknown-address.tsx'
import { fromEarlier } from './pages/workbench/earlier-addresses.ts'

const redirected =
  (address: Parameters<typeof fromEarlier>[0]) =>
  ({ request }: LoaderFunctionArgs) =>
    redirect(fromEarlier(address, new URL(request.url).search))

/**
 * Addresses and the pages behind them; each page's code is loaded when it is first visited. `src/http/web.ts` of the
 * server answers the same first steps of addresses with the application.
 */
export const routes: RouteObject[] = [
  { path: '/', lazy: () => part(() => import('./pages/overview/overview-page.tsx')) },
  { path: '/samples', lazy: () => part(() => import('./pages/samples/samples-page.tsx')) },
  { path: '/samples/:hash', lazy: () => part(() => import('./pages/sample/sample-page.tsx')) },
  { path: '/rulesets', lazy: () => part(() => import('./pages/rulesets/rulesets-page.tsx')) },
  { path: '/rulesets/:name', lazy: () => part(() => import('./pages/ruleset/ruleset-page.tsx')) },
  { path: '/ruleset-imports/:id', lazy: () => part(() => import('./pages/ruleset-import/ruleset-import-page.tsx')) },
  { path: '/workbench', lazy: () => part(() => import('./pages/workbench/workbench-page.tsx')) },
  { path: '/new-ruleset', loader: redirected('new-ruleset') },
  { path: '/rule-sources', lazy: () => part(() => import('./pages/rule-sources/rule-sources-page.tsx')) },
  { path: '/rule-sources/:id', lazy: () => part(() => import('./pages/rule-source/rule-source-page.tsx')) },
  { path: '/matches', lazy: () => part(() => import('./pages/matches/matches-page.tsx')) },
  { path: '/retro', lazy: () => part(() => import('./pages/retro/retro-page.tsx')) },
  { path: '/retro/:id', lazy: () => part(() => import('./pages/retro/run-page.tsx')) },
  { path: '/hunts', lazy: () => part(() => import('./pages/hunts/hunts-page.tsx')) },
  { path: '/new-hunt', loader: redirected('new-hunt') },
  { path: '/hunts/:id', lazy: () => part(() => import('./pages/hunt/hunt-page.tsx')) },
  { path: '/notifications', lazy: () => part(() => import('./pages/notifications/notifications-page.tsx')) },
  { path: '/shared-rulesets', lazy: () => part(() => import('./pages/shared-rulesets/shared-rulesets-page.tsx')) },
  { path: '/shared-rulesets/:name', lazy: () => part(() => import('./pages/shared-ruleset/shared-ruleset-page.tsx')) },
  { path: '/appliances', lazy: () => part(() => import('./pages/appliances/appliances-page.tsx')) },
  { path: '/device', lazy: () => part(() => import('./pages/device/device-page.tsx')) },
  { path: '/administration', lazy: () => part(() => import('./pages/administration/administration-page.tsx')) },
  { path: '*', element: <UnknownAddress /> },
].map((route) => ({ errorElement: <BrokenPage />, ...route }))
