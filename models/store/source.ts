/** What `pull` was asked for, as files to download. */
import {
  defaultQuantization,
  findRegistered,
  type HubFile,
  installedName,
  type RegisteredModel,
  registry,
} from '../registry.ts'
import { modelName } from './lock-file.ts'
import { PullFailed } from './request.ts'

export interface PlannedFile {
  /** At the hub, or anywhere. */
  from: HubFile | URL
  /** Below the model's folder, of models with several files. */
  path: string
}

export interface Plan {
  /** Under which it is installed. */
  name: string
  /** What a GGUF file is, its header tells. */
  kind: 'gguf' | 'embedding'
  /** The weights first. */
  files: PlannedFile[]
  licence: string | null
}

const hubPattern = /^hf:([\w.-]+\/[\w.-]+?)(?:@([\w.-]+))?\/([^?#\\]+\.gguf)$/i
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * @param wanted a name of the registry, `hf:OWNER/REPO[@REVISION]/FILE.gguf`, or the https URL of a GGUF file
 * @param options.name to install it under; by default the registry's name or the file's
 * @param options.sha256 whether the caller gave one
 * @throws PullFailed that says what can be asked for
 */
export function planPull(wanted: string, options: { name?: string; sha256?: string }): Plan {
  if (wanted.startsWith('hf:')) return planHub(wanted, options.name)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(wanted)) return planUrl(wanted, options)
  const choice = findRegistered(wanted)
  if (choice === null) throw new PullFailed(unknown(wanted))
  if (choice.model.kind === 'embedding' && options.sha256 !== undefined)
    throw new PullFailed(`${choice.model.name} has several files: --sha256 is for one.`)
  return planRegistered(choice.model, choice.quantization, options.name)
}

function planRegistered(model: RegisteredModel, quantization: string | null, name: string | undefined): Plan {
  const { licence } = model
  if (model.kind === 'embedding') {
    const files = model.files.map((from) => ({ from, path: from.path }))
    return { name: checkedName(name ?? model.name), kind: 'embedding', files, licence }
  }
  const file = model.quantizations[quantization ?? defaultQuantization(model)]
  if (file === undefined) throw new PullFailed(unknown(`${model.name}:${quantization}`))
  return {
    name: checkedName(name ?? installedName(model, quantization)),
    kind: 'gguf',
    files: [{ from: file, path: '' }],
    licence,
  }
}

function planHub(wanted: string, name: string | undefined): Plan {
  const [, repo, revision = 'main', path] = hubPattern.exec(wanted) ?? []
  const parts = [...(repo ?? '').split('/'), revision, ...(path ?? '').split('/')]
  if (repo === undefined || path === undefined || parts.some((part) => /^\.*$/.test(part)))
    throw new PullFailed(
      `${wanted} is no file of a hub: write hf:OWNER/REPO/FILE.gguf, or hf:OWNER/REPO@REVISION/FOLDER/FILE.gguf.`,
    )
  const from: HubFile = { repo, revision, path, bytes: 0 }
  return { name: checkedName(name ?? nameOf(path)), kind: 'gguf', files: [{ from, path: '' }], licence: null }
}

function planUrl(wanted: string, { name, sha256 }: { name?: string; sha256?: string }): Plan {
  const url = URL.canParse(wanted) ? new URL(wanted) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new PullFailed('Only https URLs can be pulled, and hf:OWNER/REPO/FILE.gguf.')
  if (url.username !== '' || url.password !== '')
    throw new PullFailed(
      'Leave user and password out of the URL: it is recorded. Download the file, then ./mentor models add FILE.',
    )
  if (url.protocol === 'http:' && !loopback.test(url.hostname) && sha256 === undefined)
    throw new PullFailed(
      `Over http anybody between could change the file: use https, or name the SHA-256 that it must have with --sha256.`,
    )
  return {
    name: checkedName(name ?? nameOf(decoded(url.pathname))),
    kind: 'gguf',
    files: [{ from: url, path: '' }],
    licence: null,
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The name that a file gives its model: without folders and `.gguf`. */
export function nameOf(path: string): string {
  return (path.split('/').pop() ?? '').replace(/\.gguf$/i, '')
}

/** @throws PullFailed */
export function checkedName(name: string): string {
  if (/-\d{5}-of-\d{5}$/.test(name))
    throw new PullFailed(
      `${name} is one part of a model. Get all of them, join them with llama-gguf-split --merge FIRST-PART JOINED.gguf, then ./mentor models add JOINED.gguf.`,
    )
  if (modelName.test(name)) return name
  throw new PullFailed(
    `${JSON.stringify(name)} cannot be a model's name: give one of letters, digits, dots, dashes and underscores with --name.`,
  )
}

/** Where a file lies at the hub. */
export function hubUrl(endpoint: URL, { repo, revision, path }: HubFile): URL {
  const parts = [...repo.split('/'), 'resolve', revision, ...path.split('/')]
  return new URL(`${endpoint.href.replace(/\/+$/, '')}/${parts.map(encodeURIComponent).join('/')}`)
}

/** As the lock file and the commands name a source; the query of a URL may be a signature and stays out. */
export function sourceName(plan: Plan, commit: string | null): string {
  const from = plan.files[0]?.from
  if (from === undefined) throw new Error(`${plan.name} has no files to pull`)
  if (from instanceof URL) return `${from.origin}${from.pathname}`
  const repo = `hf:${from.repo}@${commit ?? from.revision}`
  return plan.kind === 'embedding' ? repo : `${repo}/${from.path}`
}

function unknown(wanted: string): string {
  const names = registry.map((model) =>
    model.kind === 'llm' ? `${model.name} (${Object.keys(model.quantizations).join(', ')})` : model.name,
  )
  return (
    `${wanted} is not known. There are ${names.join(', ')}; ` +
    'and any GGUF file as hf:OWNER/REPO/FILE.gguf or by its https URL.'
  )
}
