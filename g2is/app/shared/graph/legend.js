// What the shapes, rings and lines of a neighbourhood mean.

import { paintShape } from "../canvas/pen.js"
import { element } from "../dom.js"
import { drawSwatch, relationOf } from "./marks.js"

const [WIDE, HIGH] = [28, 16]

// names: the relations and other marks that the page draws. theme: that of a GraphView.
export function graphLegend(names, theme) {
  return names.map((name) => {
    const entry = element("span", "entry")
    entry.append(swatch(name, theme), ` ${relationOf(name)}`)
    return entry
  })
}

function swatch(name, theme) {
  const dpr = globalThis.devicePixelRatio || 1
  const canvas = element("canvas", "edge-swatch")
  canvas.width = WIDE * dpr
  canvas.height = HIGH * dpr
  const c = canvas.getContext("2d")
  c.scale(dpr, dpr)
  const mark = drawSwatch(c, WIDE, HIGH, name, theme)
  if (mark) {
    const { shape, middle, radius, colour, open } = mark
    paintShape(c, shape, middle, radius, open ? { fill: theme.paper, edge: colour, width: 2 } : { fill: colour })
  }
  return canvas
}
