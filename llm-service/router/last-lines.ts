/** What a process writes to stderr: passed on line by line, and the end of it kept for the line that says why it died. */

export interface LastLines {
  /** Settles when the stream ends. */
  read(stream: ReadableStream<Uint8Array>): Promise<void>
  /** The line that tells most about an end: the last one that names a cause, or a failure, or just the last. */
  telling(): string | null
}

const kept = 40
/** llama.cpp's longest lines are shorter; a library that prints without a line's end must not fill the memory. */
const longest = 1_000
/** Words of a cause (ggml's asserts, llama.cpp's and CUDA's errors, Bun's panics), and of what it led to. */
const cause = /error|assert|abort|panic|exception|out of memory/i
const consequence = /fail|cannot|unable/i
/** Bun's crash report: where it was built and an address to send it to. */
const noise = /^(Bun v|Linux Kernel|Elapsed|Args|Features|Builtins|RSS|CPU|https?:|oh no:|Stack Trace)/

export function openLastLines(onLine: (line: string) => void): LastLines {
  const lines: string[] = []
  let begun = ''

  function add(text: string): void {
    // Control characters could rewrite the terminal that shows the log.
    const line = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').trim()
    if (line === '') return
    lines.push(line)
    if (lines.length > kept) lines.shift()
    onLine(line)
  }

  return {
    async read(stream) {
      const decoder = new TextDecoder()
      try {
        for await (const chunk of stream) {
          const parts = (begun + decoder.decode(chunk, { stream: true })).split('\n')
          begun = (parts.pop() ?? '').slice(0, longest)
          for (const part of parts) add(part.slice(0, longest))
        }
      } catch {
        // A pipe that breaks with its process has told what it could.
      }
      add(begun)
      begun = ''
    },
    telling() {
      const speaking = lines.filter((line) => !noise.test(line))
      const lastOf = (words: RegExp) => speaking.findLast((line) => words.test(line))
      return lastOf(cause) ?? lastOf(consequence) ?? speaking.at(-1) ?? null
    },
  }
}
