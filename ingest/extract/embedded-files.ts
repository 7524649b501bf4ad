import { type Block, counted } from './extracted.ts'
import { trimmed } from './plain-text.ts'

/** An image or font written into the text as base64, with the Markdown around it. */
const embedded =
  /(?:!\[[^\]\n]{0,500}\]\(\s*<?)?data:[\w.+-]{1,80}\/[\w.+-]{1,80}(?:;[\w=.-]{1,80}){0,4};base64,[A-Za-z0-9+/=\s]{60,}>?(?:\s*\))?/g

/** Cuts base64 files out of the blocks: they are in the stored text, but nobody searches or reads them. */
export function leaveOutEmbeddedFiles(text: string, blocks: Block[], warnings: string[]): Block[] {
  if (!text.includes(';base64,')) return blocks
  let left = 0
  const kept = blocks.flatMap((block) => {
    const slice = text.slice(block.start, block.end)
    if (!slice.includes(';base64,')) return [block]
    const pieces: Block[] = []
    let at = block.start
    for (const match of slice.matchAll(embedded)) {
      left++
      pieces.push({ ...block, ...trimmed(text, at, block.start + match.index) })
      at = block.start + match.index + match[0].length
    }
    pieces.push({ ...block, ...trimmed(text, at, block.end) })
    return pieces.filter((piece) => piece.start < piece.end)
  })
  if (left > 0) warnings.push(`${counted(left, 'image')} embedded as base64 left out of the passages`)
  return kept
}
