// The map with its legend beneath, as a PNG file.

import { inLine, smaller } from "./categories.js"
import { css } from "./colours.js"
import { number } from "../dom.js"
import { marksOf, paintSwatch, withoutValue } from "./legend.js"

const LEFT = 12
const ROW = 24
const RAMP = 255 // pixels

// shown: as in `drawLegend`, and layers: canvases, one above the other; width, height: of the map, in CSS pixels; only:
// the categories that were picked.
export function savePicture(shown) {
  const { layers, width, height, dpr, font, ink, paper, colouring, only } = shown
  const { title, entries, ticks, unit } = colouring.part
  const canvas = document.createElement("canvas")
  const c = canvas.getContext("2d")
  c.font = `13px ${font}`
  const markOf = ({ name, count }, code) => {
    return { shape: colouring.shapes[code], fill: css(colouring.colour(code)), text: `${name} (${number(count)})` }
  }
  const categories = entries ? inLine(colouring, only).map((code) => markOf(entries[code], code)) : []
  const others = entries && smaller(colouring.part)
  if (others?.count) categories.push(markOf(others, entries.length - 1))
  const left = LEFT + c.measureText(title).width + 18
  const [placed, top] = flow(c, categories, [left, height + 22], width)
  const marks = [...withoutValue(colouring, ink, paper), ...marksOf(shown)]
  const [more, bottom] = flow(c, marks, [LEFT, top + (entries ? ROW : ROW + 22)], width)

  canvas.width = width * dpr
  canvas.height = (bottom + 20) * dpr
  c.scale(dpr, dpr)
  c.fillStyle = css(paper)
  c.fillRect(0, 0, canvas.width, canvas.height)
  for (const layer of layers) c.drawImage(layer, 0, 0, width, height)
  c.font = `13px ${font}`
  c.textBaseline = "middle"
  c.fillStyle = css(ink)
  c.fillText(title, LEFT, height + 22)
  for (const [x, y, mark] of [...placed, ...more]) {
    paintSwatch(c, x + 8, y, mark)
    c.fillText(mark.text, x + 22, y)
  }
  if (!entries) drawScale(c, colouring.ramp(RAMP), { ticks, unit, ink, left, top: height + 15 })
  canvas.toBlob((file) => download(file, `map-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`))
}

// Marks one after the other, in as many rows as they need: [x, y, mark] each, and the y of the last row.
function flow(c, marks, [left, top], width) {
  const placed = []
  for (const mark of marks) {
    const wide = c.measureText(mark.text).width + 44
    if (left > LEFT && left + wide > width) [left, top] = [LEFT, top + ROW]
    placed.push([left, top, mark])
    left += wide
  }
  return [placed, top]
}

function drawScale(c, colours, { ticks, unit, ink, left, top }) {
  colours.forEach((colour, at) => {
    c.fillStyle = css(colour)
    c.fillRect(left + at, top, 1.5, 12)
  })
  c.fillStyle = css(ink)
  for (const [share, text] of ticks) {
    c.textAlign = share === 0 ? "left" : share === 1 ? "right" : "center"
    c.fillText(text, left + RAMP * share, top + 25)
  }
  c.textAlign = "left"
  c.fillText(unit, left + RAMP + 13, top + 7)
}

function download(file, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}
