/** Makes numbers of sane size out of random bytes in the blocks of llama.cpp's quantised types (ggml-common.h). */

/**
 * block_q4_K: d and dmin (half floats), eight 6-bit scales and eight 6-bit minima packed in 12 bytes, 256 values of
 * 4 bits; a value is d·scale·q − dmin·minimum. The packed scales are made equal to the minima (the layout puts them
 * at the same bits of neighbouring groups) and dmin to 7.5·d, the middle of q, so that the values lie around 0.
 */
export function scaleQ4K(view: DataView, at: number, spread: number): void {
  for (let j = 0; j < 4; j++) {
    // The scale 32 to 63 keeps every group of the same order; the top two bits belong to group j + 4.
    const scale = view.getUint8(at + 4 + j) | 0xa0
    view.setUint8(at + 4 + j, scale)
    view.setUint8(at + 8 + j, scale)
    const low = view.getUint8(at + 12 + j) & 15
    view.setUint8(at + 12 + j, low | (low << 4))
  }
  // q is even from 0 to 15 (spread 4.6), the scales from 32 to 63 (root mean square 48).
  const d = spread / (4.6 * 48)
  view.setFloat16(at, d, true)
  view.setFloat16(at + 2, 7.5 * d, true)
}

/** block_q6_K: 256 values of 6 bits around 32, sixteen 8-bit scales, d (half float); a value is d·scale·(q − 32). */
export function scaleQ6K(view: DataView, at: number, spread: number): void {
  for (let j = 0; j < 16; j++) view.setInt8(at + 192 + j, 64 + (view.getUint8(at + 192 + j) & 63))
  // q is even from −32 to 31 (spread 18.5), the scales from 64 to 127 (root mean square 97).
  view.setFloat16(at + 208, spread / (18.5 * 97), true)
}
