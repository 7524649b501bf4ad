/** Which files of a folder are wanted: its `.mentorignore` files, and the globs that were given with the command. */
import createIgnore, { type Ignore } from 'ignore'

export const ignoreFile = '.mentorignore'

/** The rules of one `.mentorignore`, for what lies in its folder and below. */
export interface IgnoreRules {
  /** The folder, relative to the one that is ingested; empty for that one itself. */
  folder: string
  rules: Ignore
}

/** As git reads a `.gitignore`: letters of different case are different. */
const openRules = () => createIgnore({ ignorecase: false, allowRelativePaths: true })

export function readIgnoreRules(folder: string, text: string): IgnoreRules {
  return { folder, rules: openRules().add(text.replace(/^\uFEFF/, '')) }
}

/**
 * Whether rules leave this path out: the outermost first, a deeper file may take back what an outer one says. As with
 * git, nothing brings back what lies in a folder that is left out.
 */
export function isIgnored(rules: readonly IgnoreRules[], source: string, isFolder: boolean): boolean {
  let ignored = false
  for (const { folder, rules: own } of rules) {
    const inside = folder === '' ? source : source.slice(folder.length + 1)
    const said = own.test(isFolder ? `${inside}/` : inside)
    if (said.ignored) ignored = true
    else if (said.unignored) ignored = false
  }
  return ignored
}

/** Globs in gitignore's syntax, on paths relative to the folder that is ingested. */
export interface Globs {
  /** When there are any, only files that one of them matches are taken. */
  include?: readonly string[]
  /** Files and folders that are left out. */
  exclude?: readonly string[]
}

export interface Choice {
  takesFile(source: string): boolean
  /** False when nothing below the folder can be wanted. */
  entersFolder(source: string): boolean
}

export function openChoice({ include = [], exclude = [] }: Globs = {}): Choice {
  const wanted = include.length > 0 ? openRules().add([...include]) : null
  const unwanted = openRules().add([...exclude])
  return {
    takesFile: (source) => !unwanted.ignores(source) && (wanted?.ignores(source) ?? true),
    entersFolder: (source) => !unwanted.ignores(`${source}/`),
  }
}
