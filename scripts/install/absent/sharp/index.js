/** 20 MB of native code stay away: Mentor embeds text, never images. Transformers.js only asks that there is something. */
export default function sharp() {
  throw new Error('sharp is not installed: Mentor embeds no images (package.json, overrides)')
}
