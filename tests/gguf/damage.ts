/** Makes good model files bad, as downloads and disks do. */
import { open, truncate as truncateFile } from 'node:fs/promises'

/** Cuts the file off after so many bytes, as a download that broke does. */
export async function truncate(path: string, bytes: number): Promise<void> {
  await truncateFile(path, bytes)
}

/** Where the damage is: the four letters of the format, the count of tensors (made absurd), or a bit of the weights. */
export type Damage = 'magic' | 'tensor count' | 'weights'

/**
 * The size stays. Damaged weights still load: only a checksum tells. A file with an absurd count must be refused by
 * its header: node-llama-cpp 3.22 reads on for tensors that are not there, without end, until the memory is full.
 */
export async function corrupt(path: string, damage: Damage): Promise<void> {
  const file = await open(path, 'r+')
  try {
    if (damage === 'magic') await file.write('NOPE', 0)
    if (damage === 'tensor count') await file.write(new Uint8Array(8).fill(0x7f), 0, 8, 8)
    if (damage === 'weights') {
      const { size } = await file.stat()
      const at = Math.floor(size * 0.75)
      const byte = new Uint8Array(1)
      await file.read(byte, 0, 1, at)
      await file.write(Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, at)
    }
  } finally {
    await file.close()
  }
}
