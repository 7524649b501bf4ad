/**
 * Draws the parsed Markdown of an answer. What is not named here is not drawn but read as text: no HTML, no picture (an
 * address in an answer could carry text out of it), no link but http, https and mailto.
 */
import type { PhrasingContent, RootContent, Table } from 'mdast'
import { memo, type ReactNode, useRef } from 'react'
import { MarkedText } from './cited.tsx'
import { CopyButton } from './copy-button.tsx'
import { type Block, openBlocks, safeAddress } from './markdown.ts'
import { direction, unwrapped } from './markers.ts'
import { useTexts } from './use-texts.ts'

interface AnswerTextProps {
  text: string
  /** More is coming. */
  growing: boolean
}

export function AnswerText({ text, growing }: AnswerTextProps) {
  const read = useRef<ReturnType<typeof openBlocks>>(null)
  read.current ??= openBlocks()
  return read.current(text, growing).map((block) => <BlockView key={block.start} block={block} />)
}

/** A block that is over is not drawn again while the answer goes on. */
const BlockView = memo(
  function BlockView({ block }: { block: Block }) {
    const dir = direction(block.source)
    if (block.node === null) {
      return (
        <p dir={dir} className="as-it-stands">
          <MarkedText text={block.source} />
        </p>
      )
    }
    return <Node node={block.node} dir={dir} depth={0} />
  },
  (before, after) => before.block.source === after.block.source && before.block.start === after.block.start,
)

/** Deeper than anybody reads; React would run out of stack at some thousand. */
const mostDepth = 40

type AnyNode = RootContent | PhrasingContent

function Node({ node, dir, depth }: { node: AnyNode; dir?: 'ltr' | 'rtl'; depth: number }): ReactNode {
  const texts = useTexts()
  if (depth > mostDepth) return '…'
  const inner = () => <Nodes nodes={'children' in node ? node.children : []} depth={depth + 1} />
  switch (node.type) {
    case 'text':
      return <MarkedText text={unwrapped(node.value)} />
    case 'paragraph':
      return <p dir={dir}>{inner()}</p>
    case 'heading': {
      // The question is the heading above them.
      const Heading = node.depth === 1 ? 'h3' : node.depth === 2 ? 'h4' : 'h5'
      return <Heading dir={dir}>{inner()}</Heading>
    }
    case 'strong':
      return <strong>{inner()}</strong>
    case 'emphasis':
      return <em>{inner()}</em>
    case 'delete':
      return <del>{inner()}</del>
    case 'break':
      return <br />
    case 'thematicBreak':
      return <hr />
    case 'inlineCode':
      return <code dir="auto">{node.value}</code>
    case 'code':
      return <CodeBlock code={node.value} language={node.lang ?? ''} />
    case 'blockquote':
      return <blockquote dir={dir}>{inner()}</blockquote>
    case 'list':
      return node.ordered ? (
        <ol dir={dir} start={node.start ?? 1}>
          {inner()}
        </ol>
      ) : (
        <ul dir={dir}>{inner()}</ul>
      )
    case 'listItem':
      return (
        <li>
          {node.checked !== null && node.checked !== undefined && (
            <span className="task">{node.checked ? '☑ ' : '☐ '}</span>
          )}
          {inner()}
        </li>
      )
    case 'table':
      return <TableBlock table={node} dir={dir} depth={depth} />
    case 'link': {
      const address = safeAddress(node.url)
      if (address === null) return <bdi>{inner()}</bdi>
      return (
        <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
          {inner()}
        </a>
      )
    }
    case 'image':
      return <em className="left-out">[{texts.turn.pictureLeftOut(node.alt ?? '')}]</em>
    case 'footnoteReference':
      return <bdi>{`[^${node.identifier}]`}</bdi>
    default:
      if ('children' in node) return inner()
      return 'value' in node ? <MarkedText text={node.value} /> : null
  }
}

function Nodes({ nodes, depth }: { nodes: AnyNode[]; depth: number }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: nodes only grow at the end
  return nodes.map((node, at) => <Node key={at} node={node} depth={depth} />)
}

function CodeBlock({ code, language }: { code: string; language: string }) {
  const { turn } = useTexts()
  return (
    <div className="code">
      <div className="code-head">
        <bdi>{turn.code(language.slice(0, 40))}</bdi>
        <CopyButton text={() => code} label={turn.copyCode} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="code-text" tabIndex={0} aria-label={turn.codeRegion}>
        <pre dir="ltr">
          <code>{code}</code>
        </pre>
      </section>
    </div>
  )
}

function TableBlock({ table, dir, depth }: { table: Table; dir: 'ltr' | 'rtl' | undefined; depth: number }) {
  const { turn } = useTexts()
  const [head, ...rows] = table.children
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="table" tabIndex={0} aria-label={turn.table}>
      <table dir={dir}>
        <thead>
          <tr>
            {head?.children.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: cells only grow at the end
              <th key={at} scope="col" data-align={table.align?.[at] ?? undefined}>
                <Nodes nodes={cell.children} depth={depth + 1} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows only grow at the end
            <tr key={at}>
              {row.children.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells only grow at the end
                <td key={column} data-align={table.align?.[column] ?? undefined}>
                  <Nodes nodes={cell.children} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
