/** The command line. Each command lives in commands/, and is loaded only when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import manifest from '../package.json'
import { type Config, readConfig, type SettingName, settings, WrongSetting } from './config.ts'
import { CommandFailed } from './terminal.ts'

const interrupted = new AbortController()
const rungs = ['auto', 'llm-service', 'local-model', 'context-only']

const program = new Command('mentor')
  .description('Answers questions from your own documents, with citations you can check, on your own machine')
  .version(manifest.version, '-V, --version')
  .helpCommand('help [command]', 'show what a command takes')
  .showHelpAfterError()
  .exitOverride()
  .addHelpText('after', '\nStart here: ./mentor start [FOLDER...], then ./mentor ask "your question"')

command('start [FOLDER...]', 'start backend and page, and ingest the folders given', ['data', 'port', 'host'])
  .option(
    '--unsafe-no-keys',
    'listen on an address that others can reach, although nothing asks for a key yet',
  )
  .action(async (folders: string[], flags: Flags & { unsafeNoKeys?: true }) => {
    const { start } = await import('./commands/start.ts')
    await start(configOf(flags), folders, { unsafeNoKeys: flags.unsafeNoKeys === true })
  })

command('ask <question...>', 'answer a question from the documents, with its sources')
  .option('--collection <name>', 'look in this collection only')
  .option('--passages <n>', 'passages given to the answer, 1 to 20', wholeNumber)
  .addOption(new Option('--rung <name>', 'who answers; a named one alone').choices(rungs))
  .option('--json', "print the API's response")
  .action(async (words: string[], flags: Flags) => {
    const { ask } = await import('./commands/ask.ts')
    await ask(
      configOf(flags),
      words.join(' '),
      given(flags, ['collection', 'passages', 'rung']),
      interrupted.signal,
    )
  })

command('search <query...>', 'list the passages that a question finds, with their scores')
  .option('--collection <name>', 'look in this collection only')
  .option('-k, --k <n>', 'passages to list, 1 to 100', wholeNumber)
  .addOption(new Option('--mode <mode>', 'which sides to look at').choices(['hybrid', 'dense', 'lexical']))
  .option('--json', "print the API's response")
  .action(async (words: string[], flags: Flags) => {
    const { search } = await import('./commands/search.ts')
    await search(
      configOf(flags),
      words.join(' '),
      given(flags, ['collection', 'k', 'mode']),
      interrupted.signal,
    )
  })

command('ingest <path...>', 'store files and folders (md, txt, html, pdf, docx); unchanged ones are skipped')
  .option('--collection <name>', 'collection to put them in, made when missing', 'default')
  .option('--json', 'one JSON line a file, and a last one with the totals')
  .action(async (paths: string[], flags: Flags & { collection: string }) => {
    const { ingest } = await import('./commands/ingest.ts')
    process.exitCode = await ingest(
      configOf(flags),
      paths,
      flags.collection,
      flags.json === true,
      interrupted.signal,
    )
  })

const documents = program.command('documents').description('list the documents, or delete one')
command('list', 'list the documents', ['data'], documents, { isDefault: true })
  .option('--collection <name>', 'of this collection only')
  .option('--json', 'print one {"documents": [...]}')
  .action(async (flags: Flags & { collection?: string }) => {
    const { listAll } = await import('./commands/documents.ts')
    await listAll(configOf(flags), flags.collection, flags.json === true)
  })
command('delete <id>', 'delete a document and everything made from it', ['data'], documents)
  .option('--json', 'print {"deleted": id}')
  .action(async (id: string, flags: Flags) => {
    const { deleteOne } = await import('./commands/documents.ts')
    await deleteOne(configOf(flags), id, flags.json === true)
  })

command('doctor', 'show what is installed, what answers and what does not, and what to do')
  .option('--json', 'print the findings as JSON')
  .action(async (flags: Flags) => {
    const { doctor } = await import('./commands/doctor.ts')
    process.exitCode = await doctor(configOf(flags), flags.json === true)
  })

command('test [filter...]', 'install what the tests need, and run them', [])
  .option('--long', 'run the long tests too')
  .action(async (filters: string[], flags: { long?: true }) => {
    const { runTests } = await import('./test.ts')
    process.exitCode = await runTests(filters, flags.long === true, interrupted.signal)
  })

type Flags = Partial<Record<SettingName, string>> & { json?: true }

/** A command with the flags of the settings that it reads. */
function command(
  name: string,
  description: string,
  reads: SettingName[] = ['data'],
  parent = program,
  options: { isDefault?: boolean } = {},
): Command {
  const made = parent.command(name, options).description(description)
  for (const key of reads) {
    const of = settings[key]
    const fallback = 'shownDefault' in of ? of.shownDefault?.replaceAll('`', '') : String(of.default)
    if (of.flag !== undefined) {
      made.option(`${of.flag} <${key}>`, `${of.meaning} (${of.env[0]}; default ${fallback})`)
    }
  }
  return made
}

function configOf(flags: Flags): Config {
  const { data, port, host } = flags
  return readConfig({
    ...(data === undefined ? {} : { data }),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
  })
}

/** The request's fields that were given, and whether JSON is wanted. */
function given<T extends object>(flags: object, names: string[]): T & { json: boolean } {
  const fields = Object.entries(flags).filter(([name]) => names.includes(name))
  return { ...(Object.fromEntries(fields) as T), json: 'json' in flags }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.')
  return Number(text)
}

/** 0 done, 1 failed, 2 wrong use, 130 after Ctrl-C. */
function exitCodeOf(error: unknown): number {
  if (interrupted.signal.aborted) return 130
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof WrongSetting) return say(error.message, 2)
  if (error instanceof CommandFailed) return say(error.message, error.exitCode)
  // Errors that advise have names of their own; anything else is a defect, and its stack helps to find it.
  if (error instanceof Error && error.name !== 'Error' && !(error instanceof TypeError))
    return say(error.message, 1)
  return say(error instanceof Error ? (error.stack ?? error.message) : String(error), 1)
}

function say(message: string, exitCode: number): number {
  process.stderr.write(`mentor: ${message}\n`)
  return exitCode
}

process.on('SIGINT', () => {
  if (interrupted.signal.aborted) process.exit(130)
  interrupted.abort()
})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // `| head` has seen enough
  throw error
})

try {
  await program.parseAsync()
  if (interrupted.signal.aborted) process.exitCode ??= 130
} catch (error) {
  process.exitCode = exitCodeOf(error)
}
