/**
 * Imported before everything else: zod, inside the AI SDK, asks with `new Function` whether it may compile its
 * schemas. The content security policy refuses that, and the browser logs a violation on every load.
 */
import { config } from 'zod'

config({ jitless: true })
