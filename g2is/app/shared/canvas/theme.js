// The colours and the font of the page around a component.

import { parse } from "./colours.js"

// ink, paper: [r, g, b] of text and page. accent: a CSS colour.
export function readTheme(root) {
  const style = getComputedStyle(root)
  const read = (name) => style.getPropertyValue(name).trim()
  return {
    ink: parse(read("--st-text-color")),
    paper: parse(read("--st-background-color")),
    accent: read("--st-primary-color"),
    font: read("--st-font") || "sans-serif",
  }
}
