// The legend: what colours, shapes and marks mean; a press on a category shows it alone.

import SYMBOLS from "../../../figures/symbols.json"
import { categories } from "./categories.js"
import { css, faint } from "./colours.js"
import { paintShape } from "./pen.js"
import { element } from "../dom.js"

const SWATCH = 16

// What the legend of a map explains. shown: colouring, a Colouring; places, a Places; walk, the part of that kind, or
// none; ink, paper: [r, g, b]; dpr; basket, whether anything is framed; focus; hides(sample), whether it is not seen.
// choice: see `categories`.
export function drawLegend(legend, shown, choice) {
  const { colouring, ink, paper, dpr } = shown
  const { title, entries } = colouring.part
  const picture = (mark) => swatch(mark, dpr)
  const focused = legend.getRootNode().activeElement?.dataset?.code
  const scrolled = legend.querySelector(".found-categories")?.scrollTop ?? 0
  const entryOf = (mark) => {
    const entry = element("span", "entry")
    entry.append(picture(mark), element("span", "", mark.text))
    return entry
  }
  legend.replaceChildren(
    element("span", "title", title),
    ...(entries ? categories(colouring, { ...choice, swatch: picture, pale: css(faint(paper, ink)) }) : [scaleOf(colouring)]),
    ...withoutValue(colouring, ink, paper).map(entryOf),
    element("span", "break"),
    ...marksOf(shown).map(entryOf),
  )
  const list = legend.querySelector(".found-categories")
  if (list) list.scrollTop = scrolled
  if (focused !== undefined) legend.querySelector(`[data-code="${focused}"]`)?.focus()
}

// Marks are { shape, fill, edge, text }. First the dots without a value, if there are any.
export function withoutValue({ part }, ink, paper) {
  return part.none ? [{ shape: "circle", fill: css(faint(paper, ink)), text: part.none }] : []
}

// What there is to be seen above the dots.
export function marksOf({ places, walk, ink, basket, focus, hides }) {
  const seen = (sample) => !hides(sample)
  const present = {
    anchor: false,
    neighbor: false,
    fallback: false,
    pin: false,
    validation: places.examples().some(seen),
    ban: walk?.bans.some(seen),
    basket,
    focus: focus !== null && seen(focus),
  }
  walk?.sample.forEach((sample, step) => {
    if (seen(sample)) present[walk.origins[walk.origin[step]]] = true
  })
  return Object.keys(present)
    .filter((name) => present[name])
    .map((name) => markOf({ ...SYMBOLS[name], ...(walk?.meanings[name] && { meaning: walk.meanings[name] }) }, { ink: css(ink) }))
}

export function paintSwatch(c, left, top, { shape, fill, edge }) {
  paintShape(c, shape, [left, top], 5, { fill, edge, width: 1.6 })
}

const FILLED = ["star", "hexagon", "flag"]

function markOf({ shape, colour, meaning }, own) {
  const paint = own[colour] ?? colour
  return { shape, [FILLED.includes(shape) ? "fill" : "edge"]: paint, text: meaning }
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

function swatch(mark, dpr) {
  const canvas = element("canvas", "swatch")
  canvas.width = canvas.height = SWATCH * dpr
  const c = canvas.getContext("2d")
  c.scale(dpr, dpr)
  paintSwatch(c, SWATCH / 2, SWATCH / 2, mark)
  return canvas
}
