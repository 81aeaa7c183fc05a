/**
 * Where the application stands. A proxy may show the server below a path such as `/bt`; the page says how its root is
 * reached (`data-root`, which src/http/web.ts fills in). Read once, before the first change of the address.
 */
const root = new URL(document.getElementById('application')?.dataset.root ?? '/', window.location.href).pathname

/** The path before every address, without its last slash: `/bt`, or empty. */
export const basePath = `${window.location.pathname}/`.startsWith(root) ? root.replace(/\/$/, '') : ''

/** The server's address for one of its paths, such as `/api/hunts/`. Links between pages need none: the router does it. */
export const atServer = (path: string): string => basePath + path
