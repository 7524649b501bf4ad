/** What is checked before a file is given to llama.cpp, which trusts what it reads: that it is the one that was recorded. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ModelCorrupt } from '../../models/bundled.ts'
import { installedModels } from '../../models/store/installed.ts'
import { hashFile, verifyFile } from '../../models/store/verify.ts'
import type { ServiceProcessSettings } from '../settings.ts'

export interface LoadingChecks {
  /** @throws ModelCorrupt, LockFileUnusable */
  verify: () => Promise<void>
  /** @throws ModelCorrupt when it is not recorded, or not as it was recorded */
  verifyAdapter: (file: string) => Promise<void>
}

export function loadingChecks({
  model,
  modelsDir,
}: Pick<ServiceProcessSettings, 'model' | 'modelsDir'>): LoadingChecks {
  let hashed = ''
  const recorded = async (file: string) =>
    (await installedModels(modelsDir)).find((one) => one.files.some(({ path }) => path === file)) ?? null

  /** A file outside of the models folder: hashed again when it has changed. */
  async function verifyAlone(file: string, sha256: string): Promise<void> {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    const state = [ino, size, mtimeNs, ctimeNs].join(' ')
    if (state === hashed) return
    const found = await hashFile(file, createHash('sha256'))
    if (found !== sha256)
      throw new ModelCorrupt(
        `${file} is not the file that was recorded: its SHA-256 is ${found}, expected ${sha256}. Get it again.`,
      )
    hashed = state
  }

  return {
    async verify() {
      const installed = await recorded(model.file)
      if (installed !== null) await verifyFile(installed)
      if (model.sha256 === null || installed?.sha256 === model.sha256) return
      await verifyAlone(model.file, model.sha256)
    },
    async verifyAdapter(file) {
      const installed = await recorded(file)
      if (installed !== null) return verifyFile(installed)
      throw new ModelCorrupt(
        `${basename(file)} is not recorded, and only files whose SHA-256 is recorded are loaded: ./mentor models add FILE records it.`,
      )
    },
  }
}
