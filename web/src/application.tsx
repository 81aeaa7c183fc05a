import { onlineManager, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider as LinkRouter } from 'react-aria-components'
import { createBrowserRouter, Outlet, useHref, useNavigate } from 'react-router'
import { RouterProvider } from 'react-router/dom'
import { isLost, onConnection } from './api/connection.ts'
import { Refusal } from './api/http.ts'
import { basePath } from './api/root.ts'
import { BrokenPage } from './frame/broken-page.tsx'
import { ConnectionBanner } from './frame/connection-banner.tsx'
import { Frame } from './frame/frame.tsx'
import { part } from './frame/part.ts'
import { Notices } from './parts/notices.tsx'
import { routes } from './routes.tsx'

// What cannot reach the server waits until it is back, and what a page shows is asked again then.
onlineManager.setEventListener((setOnline) => onConnection(() => setOnline(!isLost())))

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnReconnect: 'always',
      // What the server refuses it refuses again; what did not reach it may reach it next time.
      retry: (failures, error) => !(error instanceof Refusal) && failures < 3,
    },
    // What somebody asks for is done now or refused: not at some moment later, when they no longer think of it.
    mutations: { networkMode: 'always' },
  },
})

const router = createBrowserRouter(
  [
    {
      element: <Base />,
      errorElement: <BrokenPage />,
      // Shown for the moment in which the first page's code is on its way.
      hydrateFallbackElement: <p className="visually-hidden">Loading …</p>,
      children: [
        {
          path: '/log-in',
          errorElement: <BrokenPage />,
          lazy: () => part(() => import('./pages/log-in/log-in-page.tsx')),
        },
        { element: <Frame />, children: routes },
      ],
    },
  ],
  // With its last slash, links to the overview have it too: a proxy may know the path only so.
  { basename: `${basePath}/` },
)

export function Application() {
  return (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  )
}

/** What every address shares: links that do not reload the page, and the places for notices. */
function Base() {
  const navigate = useNavigate()
  return (
    <LinkRouter navigate={(address) => void navigate(address)} useHref={useHref}>
      <ConnectionBanner />
      <Outlet />
      <Notices />
    </LinkRouter>
  )
}
