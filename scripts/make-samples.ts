/**
 * Makes the two samples that are not text, so that their contents can be read and changed here:
 *
 *   bun scripts/make-samples.ts
 *
 * Writes samples/glasshouses.pdf and samples/emergencies.docx, byte for byte the same each time.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { emergencies, glasshouses } from './samples/contents.ts'
import { writeDocx } from './samples/docx.ts'
import { writePdf } from './samples/pdf.ts'

const samples = join(import.meta.dir, '..', 'samples')
await writeFile(join(samples, 'glasshouses.pdf'), writePdf(glasshouses))
await writeFile(join(samples, 'emergencies.docx'), writeDocx(emergencies))
