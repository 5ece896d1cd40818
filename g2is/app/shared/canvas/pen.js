// Draws single marks, lines and names above the dots, in CSS pixels.

import { css } from "./colours.js"
import { SHAPES } from "./shapes.js"

const FONT = 13
const LINE = 1.15 * FONT
const SMALL = 11

export class Pen {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
  }

  // ink, paper: [r, g, b] of text and page; accent: a CSS colour.
  begin({ width, height, dpr, ink, paper, accent, font }) {
    this.context.setTransform(dpr, 0, 0, dpr, 0, 0)
    this.context.clearRect(0, 0, width, height)
    Object.assign(this, { width, height, accent, font, ink: css(ink), paper: css(paper) })
  }

  shape(name, place, radius, fill, stroke, width = 1.2) {
    paintShape(this.context, name, place, radius, { fill, halo: stroke, width: 2 * width })
  }

  // With a coloured edge; without a fill, around what lies beneath.
  framed(name, place, radius, fill, edge) {
    paintShape(this.context, name, place, radius, { fill, edge: this.paper, width: 3.6 })
    paintShape(this.context, name, place, radius, { edge, width: 1.8 })
  }

  ring(place, radius, width) {
    const c = this.context
    for (const [colour, wide] of [[this.paper, width + 2.5], [this.ink, width]]) {
      c.beginPath()
      c.arc(...place, radius, 0, 7)
      c.lineWidth = wide
      c.strokeStyle = colour
      c.stroke()
    }
  }

  stroke(path, { colour = this.ink, width = 1, alpha = 1, dash = [] }) {
    const c = this.context
    c.lineCap = "round"
    c.strokeStyle = colour
    c.lineWidth = width
    c.globalAlpha = alpha
    c.setLineDash(dash)
    c.stroke(path)
    c.setLineDash([])
    c.globalAlpha = 1
  }

  // The area that is being drawn around. corners: places on the screen.
  area(corners) {
    const path = new Path2D()
    corners.forEach((corner) => path.lineTo(...corner))
    path.closePath()
    const c = this.context
    c.globalAlpha = 0.12
    c.fillStyle = this.accent
    c.fill(path)
    c.globalAlpha = 1
    this.stroke(path, { colour: this.accent, width: 2, dash: [6, 4] })
  }

  // Names above their places, as many as fit without touching; the first ones first. names: [text, place] each.
  // boxes: what is written already, to which these are added.
  names(names, above, boxes = []) {
    const c = this.context
    c.font = `600 ${FONT}px ${this.font}`
    c.textAlign = "center"
    c.textBaseline = "middle"
    for (const [text, [left, level]] of names) {
      const lines = wrap(text, 24)
      const top = level - above - lines.length * FONT * 0.6
      const width = Math.max(...lines.map((line) => c.measureText(line).width)) + 8
      const height = lines.length * LINE + 4
      const box = [left - width / 2, top - height / 2, left + width / 2, top + height / 2]
      if (!this.take(box, boxes)) continue
      lines.forEach((line, row) => this.text(line, left, top + (row - (lines.length - 1) / 2) * LINE))
    }
  }

  // Small numbers beside their places, in the same way.
  numbers(numbers, beside, boxes) {
    const c = this.context
    c.font = `600 ${SMALL}px ${this.font}`
    c.textAlign = "left"
    c.textBaseline = "middle"
    for (const [number, [left, level]] of numbers) {
      const text = String(number)
      const from = [left + 0.7 * beside, level - 0.7 * beside - SMALL / 2]
      const box = [from[0] - 1, from[1] - SMALL / 2, from[0] + c.measureText(text).width + 1, from[1] + SMALL / 2]
      if (this.take(box, boxes)) this.text(text, ...from)
    }
  }

  // Whether there is room for a box, which is then kept.
  take(box, boxes) {
    const outside = box[0] < 2 || box[1] < 2 || box[2] > this.width - 2 || box[3] > this.height - 2
    const covered = boxes.some((b) => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3])
    if (outside || covered) return false
    boxes.push(box)
    return true
  }

  // With a halo in the colour of the page.
  text(text, left, top) {
    const c = this.context
    c.lineWidth = 4
    c.lineJoin = "round"
    c.globalAlpha = 0.85
    c.strokeStyle = this.paper
    c.strokeText(text, left, top)
    c.globalAlpha = 1
    c.fillStyle = this.ink
    c.fillText(text, left, top)
  }
}

// fill, halo (a line outside the shape, beneath it) and edge (a line on the outline): CSS colours, or none.
export function paintShape(c, name, [left, top], radius, { fill, halo, edge, width = 1.3 }) {
  c.save()
  c.translate(left, top)
  c.beginPath()
  SHAPES[name](c, radius)
  c.lineJoin = "round"
  c.lineWidth = width
  for (const [colour, paint] of [[halo, "stroke"], [fill, "fill"], [edge, "stroke"]]) {
    if (!colour) continue
    c[`${paint}Style`] = colour
    c[paint]()
  }
  c.restore()
}

function wrap(text, width) {
  const lines = [""]
  for (const word of text.split(" ")) {
    if (lines.at(-1) && `${lines.at(-1)} ${word}`.length > width) lines.push("")
    lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim()
  }
  return lines.slice(0, 3)
}
