/**
 * Makes the PGlite directory named by the first argument, with the schema in it, and ends. A process of its own
 * because making one leaves 870 MB resident and opening one 290 MB: the process that serves only ever opens.
 * Ends, unfinished, with whoever holds the other end of its stdin.
 */
import { openEngine } from './engine.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: bun db/embedded/create.ts DIRECTORY')
process.umask(0o077) // see server.ts
process.stdin.once('end', () => process.exit(1)).resume() // whoever asked for it is gone
const engine = await openEngine(directory, directory)
await engine.close()
process.exit(0)
