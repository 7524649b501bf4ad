/** The OpenAPI document as a page to read: no script, one style sheet of our own, nothing from elsewhere. */
import type { TSchema } from '@sinclair/typebox'
import type { OpenApiDocument, Operation } from './openapi.ts'

/** @param notes what holds for every address, a paragraph each; `code` in backquotes */
export function docsPage({ info, paths }: OpenApiDocument, notes: string[]): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))]
  const of = (tag: string) => operations.filter(({ operation }) => operation.tags.includes(tag))
  const contents = tags.map(
    (tag) =>
      `<li>${escaped(tag)}<ul>${of(tag)
        .map(({ path, method }) => `<li><a href="#${anchor(method, path)}">${label(method, path)}</a></li>`)
        .join('')}</ul></li>`,
  )
  const sections = tags.map(
    (tag) =>
      `<section><h2>${escaped(tag)}</h2>${of(tag)
        .map(({ path, method, operation }) => article(method, path, operation))
        .join('')}</section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<nav aria-label="Contents"><ul>${contents.join('')}</ul></nav>
<main>
<h1>${escaped(info.title)} API <small>${escaped(info.version)}</small></h1>
<p>${escaped(info.description)} The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
${notes.map((note) => `<p>${words(note)}</p>`).join('\n')}
${sections.join('\n')}
</main>
</body>
</html>
`
}

function article(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${escaped(one.name)}</code></td><td>${one.in}${one.required ? ', required' : ''}</td><td>${typeOf(one.schema)}</td></tr>`,
  )
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h4>Takes ${escaped(type)}</h4>${fields(schema)}`,
  )
  const answers = Object.entries(responses).map(([status, { description: says, content }]) => {
    const [type, shape] = Object.entries(content ?? {})[0] ?? []
    const detail = shape === undefined || Number(status) >= 400 ? '' : `${fields(shape.schema)}`
    const types =
      type === undefined || Number(status) >= 400
        ? ''
        : ` <small>${escaped(Object.keys(content ?? {}).join(', '))}</small>`
    return `<dt>${escaped(status)}${types}</dt><dd>${words(says)}${detail}</dd>`
  })
  return `<article id="${anchor(method, path)}">
<h3>${label(method, path)}</h3>
<p><strong>${escaped(summary)}.</strong> ${words(description ?? '')}</p>
${rows.length > 0 ? `<h4>Parameters</h4><table>${rows.join('')}</table>` : ''}
${bodies.join('')}
<h4>Gives</h4><dl>${answers.join('')}</dl>
</article>`
}

/** The fields of an object as nested lists. */
function fields(schema: TSchema): string {
  const properties: Record<string, TSchema> = schema.properties ?? schema.items?.properties ?? {}
  const required: string[] = schema.required ?? schema.items?.required ?? []
  const entries = Object.entries(properties)
  if (entries.length === 0) return ''
  const items = entries.map(([name, one]) => {
    const optional = required.includes(name) ? '' : ' <em>optional</em>'
    return `<li><code>${escaped(name)}</code>${optional} ${typeOf(one)}${fields(one)}</li>`
  })
  return `<ul class="fields">${items.join('')}</ul>`
}

function typeOf(schema: TSchema): string {
  const said = schema.description ?? schema.expects
  const says = said === undefined ? '' : ` · ${words(said)}`
  return `<span class="type">${escaped(typeName(schema))}</span>${says}`
}

function typeName(schema: TSchema): string {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map(typeName).join(' | ')
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.type === 'array') return `${typeName(schema.items)}[]`
  const { minimum, maximum, minLength, maxLength } = schema
  const bounds = [minimum ?? minLength, maximum ?? maxLength]
  const range = bounds.some((one) => one !== undefined) ? ` ${bounds[0] ?? ''}…${bounds[1] ?? ''}` : ''
  return `${schema.format ?? schema.type ?? 'any'}${range}`
}

const label = (method: string, path: string) =>
  `<span class="method">${escaped(method.toUpperCase())}</span> <code>${escaped(path)}</code>`

const anchor = (method: string, path: string) =>
  `${method}${path.replace(/[^a-z]+/gi, '-')}`.replace(/-$/, '')

/** Text with `code` in backquotes. */
function words(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function escaped(text: string): string {
  return Bun.escapeHTML(text)
}

export const docsStyle = `:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent) }
body { margin: 0 auto; max-width: 76rem; display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 2.5rem;
  padding: 0 1.5rem; font: 16px/1.55 system-ui, sans-serif }
nav { position: sticky; top: 0; max-height: 100vh; overflow: auto; font-size: .85rem; padding: 1.5rem 0; box-sizing: border-box }
nav ul { list-style: none; padding: 0; margin: .2rem 0 .8rem } nav a { text-decoration: none; color: inherit }
nav a:hover, nav a:focus-visible { text-decoration: underline }
h1 small, dt small { font-weight: 400; opacity: .65; font-size: .8em }
h3 { margin: 0 0 .3rem; font-size: 1.05rem } h4 { margin: 1rem 0 .2rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .04em; opacity: .7 }
article { border-top: 1px solid var(--line); padding: 1.4rem 0; scroll-margin-top: 1rem }
article:target { background: color-mix(in srgb, Highlight 10%, transparent) }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere } .method { font: 700 .72rem ui-monospace, monospace; opacity: .7 }
table { border-collapse: collapse; width: 100% } td { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; vertical-align: top }
.type { opacity: .7; font: .85em ui-monospace, monospace } .fields { margin: .2rem 0; padding-left: 1.1rem }
dt { font-weight: 600; margin-top: .5rem } dd { margin: 0 0 0 1.2rem }
@media (max-width: 50rem) { body { display: block } nav { position: static; max-height: none } }
`
