// The legend: what colours, shapes and marks mean; a press on a category shows it alone.

import { css, faint } from "./colours.js"
import { paintShape } from "./pen.js"
import { element, number } from "../dom.js"
import { ORIGINS } from "../origins.js"

const SWATCH = 16

// What the legend of a map explains. colouring: a Colouring. places: a Places. walk: the part of that kind, or none.
// ink, paper: [r, g, b]. only: the codes of the entries that are shown alone, a set that `press` changes.
export function drawLegend(legend, { colouring, places, walk, ink, paper, dpr, only, press }) {
  const { title, entries } = colouring.part
  const parts = [element("span", "title", title)]
  if (entries) {
    parts.push(...entries.map((entry, code) => categoryOf(entry, css(colouring.colour(code)), code, { dpr, only, press })))
  } else {
    parts.push(scaleOf(colouring))
  }
  const entryOf = (mark) => markOf(mark, dpr)
  parts.push(...withoutValue(colouring, ink, paper).map(entryOf), element("span", "break"))
  parts.push(...marksOf(places, walk, ink).map(entryOf))
  legend.replaceChildren(...parts)
}

// Marks are { shape, fill, edge, text }. First the dots without a value, if there are any.
export function withoutValue({ part }, ink, paper) {
  return part.none ? [{ shape: "circle", fill: css(faint(paper, ink)), text: part.none }] : []
}

// What there is above the dots.
export function marksOf(places, walk, ink) {
  const pen = css(ink)
  const marks = places.examples().length ? [{ shape: "star", fill: pen, text: "validation example" }] : []
  const texts = {
    anchor: "anchor: a target direction begins",
    pin: "pinned",
    neighbor: "taken, with a line from the one before",
    fallback: "best in pool, a jump (dotted)",
  }
  for (const [kind, text] of Object.entries(texts)) {
    if (!walk?.origin.includes(walk.origins.indexOf(kind))) continue
    const { shape, colour } = ORIGINS[kind]
    const start = kind === "anchor" || kind === "pin"
    marks.push({ shape, edge: start ? colour : pen, text })
  }
  return marks
}

export function paintSwatch(c, left, top, { shape, fill, edge }) {
  paintShape(c, shape, [left, top], 5, { fill, edge, width: 1.6 })
}

function categoryOf({ name, count, shape }, fill, code, { dpr, only, press }) {
  const button = element("button", "entry")
  button.type = "button"
  button.title = `${name}: ${number(count)} instructions. Press to grey out the others.`
  button.setAttribute("aria-pressed", String(only.has(code)))
  button.append(
    swatch({ shape, fill }, dpr),
    element("span", "named", name),
    element("span", "counted", number(count)),
  )
  button.onclick = () => {
    press(code)
    button.setAttribute("aria-pressed", String(only.has(code)))
  }
  return button
}

function scaleOf(colouring) {
  const { ticks, unit } = colouring.part
  const scale = element("span", "scale")
  const ramp = element("span", "ramp")
  ramp.style.background = `linear-gradient(to right, ${colouring.ramp(33).map(css).join()})`
  const marks = element("span", "ticks")
  for (const [share, text] of ticks) {
    const tick = element("span", "", text)
    tick.style.left = `${100 * share}%`
    marks.append(tick)
  }
  scale.append(ramp, marks)
  const both = element("span", "scaled")
  both.append(scale, element("span", "unit", unit))
  return both
}

function markOf(mark, dpr) {
  const entry = element("span", "entry")
  entry.append(swatch(mark, dpr), element("span", "", mark.text))
  return entry
}

function swatch(mark, dpr) {
  const canvas = element("canvas", "swatch")
  canvas.width = canvas.height = SWATCH * dpr
  const c = canvas.getContext("2d")
  c.scale(dpr, dpr)
  paintSwatch(c, SWATCH / 2, SWATCH / 2, mark)
  return canvas
}
