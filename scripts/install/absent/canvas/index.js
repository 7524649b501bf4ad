/**
 * 35 MB of native code stay away: Mentor reads the text of PDFs and draws no page. Without these two classes pdf.js
 * prints warnings to the standard output, where --json goes.
 */
exports.DOMMatrix = class DOMMatrix {}
exports.Path2D = class Path2D {}
exports.createCanvas = () => {
  throw new Error('@napi-rs/canvas is not installed: Mentor draws no PDF pages (package.json, overrides)')
}
