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

command(
  'ingest [path...]',
  'make a collection hold what files and folders hold; what is unchanged costs nothing',
)
  .option('--collection <name>', 'collection to put them in, made when missing', 'default')
  .option('--dry-run', 'show what would be added, replaced, moved and removed, and write nothing')
  .option(
    '--prune',
    'remove the documents whose files have vanished from the folders; otherwise they are kept',
  )
  .option(
    '--include <glob>',
    'of a folder take only these files (gitignore syntax; may be repeated)',
    repeated,
  )
  .option('--exclude <glob>', 'leave these out, as a .mentorignore file in the folder does', repeated)
  .option('--watch', 'go on, and take what changes, until Ctrl-C')
  .option('--retry-failed', 'take the files that failed before, all of them or those below the paths')
  .option('--json', 'one JSON line a file, and a last one with the totals')
  .addHelpText(
    'after',
    '\nReads md, txt, html, pdf, Office and OpenDocument files, epub, csv, json, mail, notebooks, subtitles and code.',
  )
  .action(async (paths: string[], flags: Flags & IngestFlags) => {
    const { ingest } = await import('./commands/ingest.ts')
    const { collection, include = [], exclude = [], json } = flags
    const globs = { include, exclude }
    const { dryRun = false, prune = false, watch = false, retryFailed = false } = flags
    const wish = { paths, collection, globs, dryRun, prune, watch, retryFailed, json: json === true }
    process.exitCode = await ingest(configOf(flags), wish, interrupted.signal)
  })

const documents = program.command('documents').description('list the documents, or delete one')
command('list', 'list the documents', ['data'], documents, { isDefault: true })
  .option('--collection <name>', 'of this collection only')
  .option('--path <beginning>', 'whose source begins so, such as handbook/')
  .option(
    '--where <key=value>',
    'that say so of themselves, in front matter or properties, such as author=Ada',
  )
  .option('--json', 'print one {"documents": [...]}')
  .action(async (flags: Flags & { collection?: string; path?: string; where?: string }) => {
    const { listAll } = await import('./commands/documents.ts')
    const { json, ...filter } = given<Pick<typeof flags, 'collection' | 'path' | 'where'>>(flags, [
      ...['collection', 'path', 'where'],
    ])
    await listAll(configOf(flags), filter, json)
  })
command('delete <id...>', 'delete documents and everything made from them', ['data'], documents)
  .option('--json', 'print {"deleted": [ids], "refused": [{id, reason}]}')
  .action(async (ids: string[], flags: Flags) => {
    const { deleteDocuments } = await import('./commands/documents.ts')
    process.exitCode = await deleteDocuments(configOf(flags), ids, flags.json === true)
  })

const collections = program.command('collections').description('list the collections, or delete one')
command('list', 'list the collections', ['data'], collections, { isDefault: true })
  .option('--json', 'print one {"collections": [...]}')
  .action(async (flags: Flags) => {
    const { listCollections } = await import('./commands/collections.ts')
    await listCollections(configOf(flags), flags.json === true)
  })
command('delete <name>', 'delete a collection with all its documents', ['data'], collections)
  .option('--json', 'print {"deleted": name}')
  .action(async (name: string, flags: Flags) => {
    const { deleteCollection } = await import('./commands/collections.ts')
    await deleteCollection(configOf(flags), name, flags.json === true)
  })

const models = program.command('models').description('the language models: list, pull, add, remove, verify')
command('list', 'list what is installed and what can be had', ['data'], models, { isDefault: true })
  .option('--json', 'print one JSON object')
  .action(async (flags: Flags) => {
    const { list } = await import('./commands/models.ts')
    await list(configOf(flags), flags.json === true)
  })
command('pull <name>', 'download a model: a listed name, hf:OWNER/REPO/FILE.gguf or a URL', ['data'], models)
  .option('--name <name>', 'install it under this name')
  .option('--sha256 <hex>', 'what the file must have', sha256)
  .option('--offline', 'forbid the download (MENTOR_OFFLINE)')
  .option('--json', 'print the installed model as JSON')
  .action(async (name: string, flags: Flags & { name?: string; sha256?: string }) => {
    const { pullModel } = await import('./commands/models.ts')
    const { json, ...pulled } = given<{ name?: string; sha256?: string }>(flags, ['name', 'sha256'])
    await pullModel(configOf(flags), name, pulled, json, interrupted.signal)
  })
command(
  'add <file>',
  'take in a GGUF file, a model or a LoRA adapter, and record its SHA-256',
  ['data'],
  models,
)
  .option('--name <name>', "install it under this name; by default the file's")
  .option('--json', 'print the installed model as JSON')
  .action(async (file: string, flags: Flags & { name?: string }) => {
    const { addModel } = await import('./commands/models.ts')
    await addModel(configOf(flags), file, flags.name, flags.json === true, interrupted.signal)
  })
command('remove <name>', 'remove a model, or an unfinished download', ['data'], models)
  .option('--json', 'print {"removed": name}')
  .action(async (name: string, flags: Flags) => {
    const { remove } = await import('./commands/models.ts')
    await remove(configOf(flags), name, flags.json === true)
  })
command('verify [name]', 'compute the SHA-256 of every model, or of one, and compare', ['data'], models)
  .option('--json', 'print {"models": [...]}')
  .action(async (name: string | undefined, flags: Flags) => {
    const { verify } = await import('./commands/models.ts')
    process.exitCode = await verify(configOf(flags), name, flags.json === true, interrupted.signal)
  })

const llm = program.command('llm').description('the model service by itself')
command('serve', 'run the model service alone, with the OpenAI protocol, until Ctrl-C', ['data'], llm)
  .option('--port <port>', `port (LLM_SERVICE_PORT; default ${settings.servicePort.default})`)
  .option('--host <host>', `address (LLM_SERVICE_HOST; default ${settings.serviceHost.default})`)
  .option('--unsafe-no-keys', 'listen on an address that others can reach, without a key')
  .action(async (flags: Flags & { unsafeNoKeys?: true }) => {
    const { serveModel } = await import('./commands/llm.ts')
    const { port, host, ...others } = flags
    const config = configOf(others, {
      ...(port === undefined ? {} : { servicePort: port }),
      ...(host === undefined ? {} : { serviceHost: host }),
    })
    await serveModel(config, { unsafeNoKeys: flags.unsafeNoKeys === true }, interrupted.signal)
  })
command('probe', 'show which devices models can run on: each is tried with a real decode', ['data'], llm)
  .option('--again', 'try all of them, whatever was found before')
  .option('--json', 'print what was found as JSON')
  .action(async (flags: Flags & { again?: true }) => {
    const { probe } = await import('./commands/llm-build.ts')
    const wish = { json: flags.json === true, again: flags.again === true }
    process.exitCode = await probe(configOf(flags), wish, interrupted.signal)
  })
command('build', 'compile llama.cpp for this machine, from the source that is already here', ['data'], llm)
  .addOption(
    new Option('--gpu <device>', 'what for; by default the card that is here').choices([
      'cuda',
      'vulkan',
      'cpu',
    ]),
  )
  .option('--jobs <n>', 'files compiled at once; by default what cores and memory allow', wholeNumber)
  .action(async (flags: Flags & { gpu?: 'cuda' | 'vulkan' | 'cpu'; jobs?: number }) => {
    const { build } = await import('./commands/llm-build.ts')
    const wish = { gpu: flags.gpu ?? null, jobs: flags.jobs ?? null }
    await build(configOf(flags), wish, interrupted.signal)
  })

command(
  'mcp',
  'serve search, ask and the documents over stdin and stdout, for the Model Context Protocol',
).action(async (flags: Flags) => {
  const { mcp } = await import('./commands/mcp.ts')
  await mcp(configOf(flags), interrupted.signal)
})

command('eval <folder>', 'measure search, quotes and refusals on graded questions (BEIR layout)', [])
  .option('--json', 'print the figures as JSON')
  .action(async (folder: string, flags: Flags) => {
    const { evaluateCollection } = await import('./commands/eval.ts')
    await evaluateCollection(configOf(flags), folder, flags.json === true, interrupted.signal)
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

interface IngestFlags {
  collection: string
  include?: string[]
  exclude?: string[]
  dryRun?: true
  prune?: true
  watch?: true
  retryFailed?: true
}

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

function configOf(flags: Flags, others: Partial<Record<SettingName, string>> = {}): Config {
  const { data, port, host, offline } = flags
  return readConfig({
    ...others,
    ...(data === undefined ? {} : { data }),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(offline === undefined ? {} : { offline: String(offline) }), // a flag without a value is `true`
  })
}

/** The request's fields that were given, and whether JSON is wanted. */
function given<T extends object>(flags: object, names: string[]): T & { json: boolean } {
  const fields = Object.entries(flags).filter(([name]) => names.includes(name))
  return { ...(Object.fromEntries(fields) as T), json: 'json' in flags }
}

/** A flag that may be given several times. */
function repeated(value: string, before: string[] = []): string[] {
  return [...before, value]
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.')
  return Number(text)
}

function sha256(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('Not a SHA-256: 64 hexadecimal digits.')
  return text.toLowerCase()
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
