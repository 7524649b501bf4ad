/** `mentor llm serve`: the model service alone, for a machine with a GPU that others' backends ask. */
import { ServiceNotStarted, startServiceProcess } from '../../backend/answer/service-process.ts'
import { type Config, isLoopback } from '../config.ts'
import { makeDataDir } from '../data-dir.ts'
import { chooseServiceModel } from '../model-choice.ts'
import { prepareGpu, serviceCommand, serviceSettings } from '../service-settings.ts'
import { CommandFailed, openTerminal, printable } from '../terminal.ts'

/** Answers under way may end for so long after Ctrl-C; the service cuts them before. */
const graceMs = 12_000

/** Until Ctrl-C. @throws CommandFailed when it cannot start, and when it ends by itself */
export async function serveModel(
  config: Config,
  options: { unsafeNoKeys: boolean },
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(false)
  const { serviceHost: host, servicePort: port } = config
  if (!isLoopback(host) && config.serviceApiKey === null && !options.unsafeNoKeys)
    throw new CommandFailed(openAddress(host), 2)
  await makeDataDir(config.data)
  const choice = await chooseServiceModel(config)
  if ('missing' in choice) throw new CommandFailed(`The model service cannot start: ${choice.missing}.`)
  await prepareGpu(config)
  const service = startServiceProcess({
    command: serviceCommand,
    settings: JSON.stringify(serviceSettings(config, choice.model, { host, port })),
    log: (line) => terminal.line(terminal.dim(printable(line))),
  })
  let asked = false
  const stop = () => {
    asked = true
    void service.stop(graceMs)
  }
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const url = await service.listening
    terminal.line(`The model service is up: ${url}, with ${choice.model.name}`)
    terminal.line(`Use it: LLM_SERVICE_URL=${url} ./mentor start. Its API: ${url}/docs. Ctrl-C stops it.`)
  } catch (error) {
    if (asked) process.exit(0)
    if (!(error instanceof ServiceNotStarted)) throw error
    throw new CommandFailed(`The model service does not start: ${printable(error.message)}`)
  }
  const how = await service.ended
  if (!asked) throw new CommandFailed(`The model service is gone: ${how}.`)
  process.exit(0) // Ctrl-C is how it is meant to end
}

function openAddress(host: string): string {
  return (
    `${host} can be reached from other machines, and no key is set: everyone there could use the model.\n` +
    'Set LLM_SERVICE_API_KEY here and for the backends that ask it, listen on 127.0.0.1, or say --unsafe-no-keys if ' +
    'only trusted machines reach this address.'
  )
}
