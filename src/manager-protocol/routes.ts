/** The addresses of a manager, as its server declares them. */
export const managerRoutes = {
  identity: '/api/manager/v1/identity/',
  follow: '/api/manager/v1/follow/',
  snapshot: '/api/manager/v1/snapshot/',
  publish: '/api/manager/v1/publish/',
  text: '/api/manager/v1/texts/:digest/',
} as const

/** The addresses as an appliance asks for them. */
export const managerPath = {
  identity: () => managerRoutes.identity,
  follow: () => managerRoutes.follow,
  snapshot: () => managerRoutes.snapshot,
  publish: () => managerRoutes.publish,
  text: (digest: string) => managerRoutes.text.replace(':digest', digest),
} as const
