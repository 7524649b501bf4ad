/** Which methods a path takes, from the routes themselves, so that 405 can say so. */
export function methodTable(routes: { method: string; path: string }[]): (path: string) => string[] {
  const known = routes
    .filter((route) => !route.path.includes('*'))
    .map((route) => ({ method: route.method, matches: pattern(route.path) }))
  return (path) => {
    const methods = new Set(known.filter((route) => route.matches.test(path)).map((route) => route.method))
    if (methods.has('GET')) methods.add('HEAD')
    return [...methods].sort()
  }
}

function pattern(path: string): RegExp {
  const steps = path.split('/').map((step) => (step.startsWith(':') ? '[^/]+' : RegExp.escape(step)))
  return new RegExp(`^${steps.join('/')}$`)
}
