/**
 * The environment of processes and threads of our own. Tokens and passwords of the server's environment are no business
 * of what parses hostile files, so they get nothing of it but the folder of compiled modules: without that, each would
 * strip the types of its modules and compile them anew, which is most of what its start costs.
 */
export function childEnvironment(): { NODE_COMPILE_CACHE?: string } {
  const { NODE_COMPILE_CACHE } = process.env
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
}
