/** What people read: on stdout at a terminal, on stderr when stdout is piped, so that only JSON ever goes into a pipe. */

/** A command ends with this message and exit code; no stack, the message says what to do. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  constructor(
    message: string,
    readonly exitCode: 1 | 2 | 130 = 1,
  ) {
    super(message)
  }
}

export interface Terminal {
  /** Text for people, as it is. */
  write(text: string): void
  line(text?: string): void
  /** JSON for programs: always stdout. */
  json(value: unknown): void
  bold(text: string): string
  dim(text: string): string
  /** Columns to wrap at. */
  width: number
}

/** @param json with `--json`, stdout holds JSON alone and people read stderr, at a terminal too. */
export function openTerminal(json: boolean): Terminal {
  const human = json || !process.stdout.isTTY ? process.stderr : process.stdout
  const styled = human.isTTY === true && human.hasColors()
  const style = (code: number) => (text: string) => (styled ? `\x1b[${code}m${text}\x1b[0m` : text)
  return {
    write: (text) => void human.write(text),
    line: (text = '') => void human.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    bold: style(1),
    dim: style(2),
    width: Math.min(human.columns ?? 100, 120),
  }
}

/**
 * Text from a document or a server, safe to print: control characters could move the cursor or set the title, and
 * bidirectional controls could reorder what stands beside them. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}

/** The same on one line of at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const flat = printable(text.replace(/\s+/g, ' ').trim())
  return flat.length <= width ? flat : `${flat.slice(0, width - 1).toWellFormed()}…`
}

/** `1 document`, `12 documents`, `1,400 documents`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
}
