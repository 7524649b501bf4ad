/** Subtitles (SubRip, WebVTT) as a transcript: cues joined to paragraphs, each with the time where it begins. */
import { decodeText } from './decode.ts'
import { type Extracted, Refused } from './extracted.ts'
import { createLayout } from './layout.ts'

interface Cue {
  /** Seconds. */
  start: number
  end: number
  speaker: string
  text: string
}

/** A silence of so many seconds, or a paragraph of so many code units at the end of a sentence, ends it. */
const silence = 4
const enough = 500
const longest = 1200

export function extractSubtitles(bytes: Uint8Array, kind: 'srt' | 'vtt'): Extracted {
  const { text, warnings } = decodeText(bytes)
  const cues = cuesOf(text)
  if (cues.length === 0)
    throw new Refused(
      'damaged',
      'no cue with a time ("00:00:01 --> 00:00:04") is in it: export the subtitles again',
    )
  const layout = createLayout()
  let open: Cue | null = null
  let last = ''
  const flush = () => {
    if (!open) return
    const who = open.speaker ? `${open.speaker}: ` : ''
    layout.add({ kind: 'paragraph', text: `[${clock(open.start)}] ${who}${open.text}` })
  }
  for (const cue of cues) {
    const before: Cue | null = open
    if (before && goesOn(before, cue)) {
      // Rolling captions say the last line again.
      if (cue.text !== last) before.text += ` ${cue.text}`
      before.end = cue.end
    } else {
      flush()
      open = { ...cue }
    }
    last = cue.text
  }
  flush()
  const mediaType = kind === 'vtt' ? 'text/vtt' : 'application/x-subrip'
  return { ...layout.finish(), mediaType, title: titleOf(text), warnings }
}

function goesOn(open: Cue, cue: Cue): boolean {
  if (cue.speaker !== open.speaker || cue.start - open.end > silence) return false
  if (open.text.length + cue.text.length > longest) return false
  return open.text.length < enough || !/[.!?…。！？]["'”’)\]]?$/u.test(open.text)
}

const times =
  /^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})/

function cuesOf(text: string): Cue[] {
  const cues: Cue[] = []
  let cue: Cue | null = null
  for (const line of text.split(/\r\n|\n|\r/)) {
    const match = times.exec(line)
    if (match) {
      const [h = 0, m = 0, s = 0, f = 0, h2 = 0, m2 = 0, s2 = 0, f2 = 0] = match
        .slice(1)
        .map((n) => Number(n ?? 0))
      cue = {
        start: h * 3600 + m * 60 + s + f / 1000,
        end: h2 * 3600 + m2 * 60 + s2 + f2 / 1000,
        speaker: '',
        text: '',
      }
      cues.push(cue)
    } else if (line.trim() === '') cue = null
    else if (cue) {
      cue.speaker ||= /<v(?:\.[^ >]*)?\s+([^>]{1,80})>/.exec(line)?.[1]?.trim() ?? ''
      const words = line.replace(/<[^>]{0,200}>|\{\\[^}]{0,200}\}/g, '').replace(/&nbsp;|&lrm;|&rlm;/g, ' ')
      const shown = words.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
      cue.text = `${cue.text} ${shown}`.replace(/\s+/g, ' ').trim()
    }
  }
  return cues.filter(({ text }) => text)
}

/** `WEBVTT - The lecture`. */
function titleOf(text: string): string | null {
  return /^WEBVTT[ \t]+(?:-\s*)?(\S.{0,150})$/m.exec(text.slice(0, 300))?.[1]?.trim() ?? null
}

function clock(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
}
