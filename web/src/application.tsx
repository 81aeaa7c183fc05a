import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider as LinkRouter } from 'react-aria-components'
import { createBrowserRouter, Outlet, useHref, useNavigate } from 'react-router'
import { RouterProvider } from 'react-router/dom'
import { Refusal } from './api/http.ts'
import { BrokenPage } from './frame/broken-page.tsx'
import { Frame } from './frame/frame.tsx'
import { Notices } from './parts/notices.tsx'
import { routes } from './routes.tsx'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses it refuses again; what did not reach it may reach it next time.
      retry: (failures, error) => !(error instanceof Refusal) && failures < 3,
    },
  },
})

const router = createBrowserRouter([
  {
    element: <Base />,
    errorElement: <BrokenPage />,
    // Shown for the moment in which the first page's code is on its way.
    hydrateFallbackElement: <p className="aloud">Loading …</p>,
    children: [
      {
        path: '/log-in',
        errorElement: <BrokenPage />,
        lazy: () => import('./pages/log-in/log-in-page.tsx'),
      },
      { element: <Frame />, children: routes },
    ],
  },
])

export function Application() {
  return (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  )
}

/** What every address shares: links that do not reload the page, and the place for notices. */
function Base() {
  const navigate = useNavigate()
  return (
    <LinkRouter navigate={(address) => void navigate(address)} useHref={useHref}>
      <Outlet />
      <Notices />
    </LinkRouter>
  )
}
