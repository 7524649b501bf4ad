/** Errors as the log tells them. */

/** What happened and where, of an error that nobody expected. */
export function withStack(error: unknown): string {
  if (!(error instanceof Error)) return withoutPasswords(String(error))
  return withoutPasswords(error.stack ?? `${error.name}: ${error.message}`)
}

/** What happened, of an error that explains itself. */
export function inWords(error: unknown): string {
  return withoutPasswords(error instanceof Error ? error.message : String(error))
}

/** A driver's message may hold the connection string; the log must not. */
function withoutPasswords(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]+@/gi, '$1:***@')
}
