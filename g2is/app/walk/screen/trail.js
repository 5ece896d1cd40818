// The steps of a walk as marks and lines, kept as two pictures: of the whole walk, faint, and of the steps taken so
// far. A step forward adds to the second one, so that a walk of ten thousand steps is as quick as one of ten.

import { outline } from "../../shared/canvas/shapes.js"
import { ORIGINS } from "../../shared/origins.js"

const MANY = 1500 // with more steps than this each is a small square

export class Trail {
  constructor() {
    this.whole = new OffscreenCanvas(1, 1)
    this.past = new OffscreenCanvas(1, 1)
    this.key = null
  }

  // key: changes with the walk and with all that decides where its steps lie on the screen, and in which colours.
  // fillOf: the CSS colour of an instruction, or null for that of how the walk came to it.
  draw(pen, { key, at, places, walk, step, radius, fillOf }) {
    const { canvas } = pen
    if (key !== this.key) {
      this.key = key
      for (const layer of [this.whole, this.past]) [layer.width, layer.height] = [canvas.width, canvas.height]
      this.paint(this.whole, pen, { at, places, walk, radius, fillOf, from: 0, to: walk.count, faint: true })
      this.drawn = 0
    }
    if (step + 1 < this.drawn) {
      this.past.width = canvas.width // empties it
      this.drawn = 0
    }
    this.paint(this.past, pen, { at, places, walk, radius, fillOf, from: this.drawn, to: step + 1, faint: false })
    this.drawn = step + 1
    const c = pen.context
    c.save()
    c.setTransform(1, 0, 0, 1, 0, 0)
    c.drawImage(this.whole, 0, 0)
    c.drawImage(this.past, 0, 0)
    c.restore()
  }

  paint(layer, pen, { at, places, walk, radius, fillOf, from, to, faint }) {
    const c = layer.getContext("2d")
    const scale = pen.canvas.width / pen.width
    c.setTransform(scale, 0, 0, scale, 0, 0)
    const { sample, came_from } = walk.part
    const small = walk.count > MANY
    const lines = new Path2D()
    const marks = new Map() // by fill, or faint
    for (let step = from; step < to; step++) {
      const row = sample[step]
      if (!places.has(row)) continue
      const [left, top] = at(row)
      if (came_from[step] >= 0 && places.has(came_from[step])) {
        lines.moveTo(...at(came_from[step]))
        lines.lineTo(left, top)
      }
      const kind = walk.origin(step)
      const fill = faint ? null : (fillOf(row) ?? ORIGINS[kind].colour)
      if (!marks.has(fill)) marks.set(fill, new Path2D())
      const path = marks.get(fill)
      if (small) path.rect(left - 1.5, top - 1.5, 3, 3)
      else path.addPath(mark(faint ? "circle" : ORIGINS[kind].shape, radius + (faint ? 1 : 2)), { e: left, f: top })
    }
    c.lineCap = "round"
    c.strokeStyle = pen.ink
    c.lineWidth = 1.1
    c.globalAlpha = faint ? 0.16 : small ? 0.3 : 0.6
    c.stroke(lines)
    for (const [fill, path] of marks) {
      c.globalAlpha = faint ? 0.4 : 1
      c.lineWidth = 0.8
      if (fill) {
        c.fillStyle = fill
        c.fill(path)
      }
      if (!small || faint) c.stroke(path)
    }
    c.globalAlpha = 1
  }
}

const outlines = new Map()

function mark(shape, radius) {
  const key = `${shape} ${radius}`
  if (!outlines.has(key)) outlines.set(key, outline(shape, radius))
  return outlines.get(key)
}
