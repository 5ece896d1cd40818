// Draws dots into pixels: 270,000 of them in a few hundredths of a second, without a GPU.

import { faint, isDark } from "./colours.js"
import { SHAPES } from "./shapes.js"

export const [HIDDEN, PALE, SHOWN] = [0, 1, 2] // states of a dot,
export const FRAMED = 4 // to which this is added for a frame around it
const SHAPED = 3.2 // the least radius at which shapes can be told apart, in pixels of the device
const PARTS = 4 // a stamp is cut for each quarter of a pixel

// A shape as lists of pixels: the distance of each from the centre, how much of it is covered, and how much is rim.
function cutStamp(shape, radius, right, down, rim) {
  const reach = Math.ceil(1.4 * radius + 2)
  const size = 2 * reach + 1
  const canvas = new OffscreenCanvas(size, size)
  const c = canvas.getContext("2d", { willReadFrequently: true })
  const coverage = (draw) => {
    c.setTransform(1, 0, 0, 1, 0, 0)
    c.clearRect(0, 0, size, size)
    c.setTransform(1, 0, 0, 1, reach + right, reach + down)
    c.beginPath()
    SHAPES[shape](c, radius)
    draw()
    return c.getImageData(0, 0, size, size).data
  }
  const filled = coverage(() => c.fill())
  const edge = rim && coverage(() => ((c.lineWidth = rim), c.clip(), c.stroke()))
  const kept = []
  for (let pixel = 0; pixel < size * size; pixel++) if (filled[4 * pixel + 3] > 5) kept.push(pixel)
  return {
    reach,
    dx: Int16Array.from(kept, (pixel) => (pixel % size) - reach),
    dy: Int16Array.from(kept, (pixel) => Math.floor(pixel / size) - reach),
    cover: Float32Array.from(kept, (pixel) => filled[4 * pixel + 3] / 255),
    rim: rim && Float32Array.from(kept, (pixel) => (0.42 * edge[4 * pixel + 3]) / 255),
  }
}

function cutStamps(shape, radius, rim) {
  const offsets = Array.from({ length: PARTS }, (_, part) => (part + 0.5) / PARTS - 0.5)
  return offsets.flatMap((down) => offsets.map((right) => cutStamp(shape, radius, right, down, rim)))
}

export class Dots {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
    this.cut = new Map()
  }

  stamps(shape, radius, rim) {
    const key = `${shape} ${radius} ${rim}`
    if (!this.cut.has(key)) {
      if (this.cut.size > 64) this.cut.clear()
      this.cut.set(key, cutStamps(shape, radius, rim))
    }
    return this.cut.get(key)
  }

  // points: x, y. colours: codes, palette (r, g, b of each code), shapes of codes or none. state: for each dot HIDDEN,
  // PALE or SHOWN, and FRAMED. projection: [a, b, c, d] with pixel = (a x + b, c y + d). radius, line: of a dot and of
  // a frame, in pixels of the device. ink, paper, frames: [r, g, b] of text, page and frames.
  draw({ points, colours, state, projection, radius, line = 1.5, ink, paper, frames = ink }) {
    const { width, height } = this.canvas
    const image = this.context.createImageData(width, height)
    new Uint32Array(image.data.buffer).fill(solidOf(paper))
    const shaped = colours.shapes && radius >= SHAPED
    const rim = radius >= 2.4 ? Math.max(1, radius / 3.5) : 0
    const round = this.stamps("circle", radius, rim)
    const ofCode = shaped && colours.shapes.map((shape) => this.stamps(shape, radius, rim))
    const small = this.stamps("circle", Math.max(0.7, 0.8 * radius), 0)
    const pale = faint(paper, ink)
    const { codes, palette } = colours
    const { x, y } = points
    const [a, b, c, d] = projection
    const count = x.length
    const step = stride(count)
    const solid = count > 60000 ? 0.62 : count > 8000 ? 0.8 : 0.95
    const press = { pixels: image.data, width, height, edge: isDark(ink) ? 0 : 255 }

    // Pale dots first, beneath the others; those in frames last. In a scattered order, so that the last file of a pool
    // does not cover the others.
    for (const layer of [PALE, SHOWN, FRAMED | PALE, FRAMED | SHOWN]) {
      if (layer & FRAMED && !state.includes(layer)) continue
      const shown = (layer & SHOWN) > 0
      if (layer & FRAMED) drawFrames(image, { x, y, state, layer, projection, radius, line, frames, paper })
      const strength = shown ? solid : 0.42
      let [red, green, blue] = pale
      for (let turn = 0, sample = 0; turn < count; turn++, sample = (sample + step) % count) {
        if (state[sample] !== layer) continue
        const left = a * x[sample] + b
        const top = c * y[sample] + d
        if (left < -20 || top < -20 || left > width + 20 || top > height + 20) continue
        const column = Math.floor(left)
        const row = Math.floor(top)
        const place = ((top - row) * PARTS | 0) * PARTS + ((left - column) * PARTS | 0)
        let stamp = small[place]
        if (shown) {
          const code = codes[sample]
          stamp = (ofCode?.[code] ?? round)[place]
          red = palette[3 * code]
          green = palette[3 * code + 1]
          blue = palette[3 * code + 2]
        }
        pressStamp(press, stamp, column, row, red, green, blue, strength)
      }
    }
    this.context.putImageData(image, 0, 0)
  }
}

// Squares around dots; where they overlap, one line around all of them.
function drawFrames(image, { x, y, state, layer, projection: [a, b, c, d], radius, line, frames, paper }) {
  const { width, height } = image
  const pixels = new Uint32Array(image.data.buffer)
  const inside = radius > line ? Math.round(1.2 * radius + 0.2 * line) : 0
  const outside = Math.round(Math.max(1.2 * (radius + line), 2 * line))
  for (const [reach, colour] of [[outside, solidOf(frames)], [inside, solidOf(paper)]]) {
    if (!reach) continue
    for (let sample = 0; sample < state.length; sample++) {
      if (state[sample] !== layer) continue
      const left = Math.round(a * x[sample] + b)
      const top = Math.round(c * y[sample] + d)
      const [from, to] = [Math.max(0, left - reach), Math.min(width, left + reach + 1)]
      if (from >= to) continue
      const last = Math.min(height - 1, top + reach)
      for (let row = Math.max(0, top - reach); row <= last; row++) pixels.fill(colour, row * width + from, row * width + to)
    }
  }
}

// A colour as a pixel of a canvas.
function solidOf([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

function pressStamp({ pixels, width, height, edge }, stamp, column, row, red, green, blue, strength) {
  const { dx, dy, cover, rim, reach } = stamp
  const inside = column >= reach && row >= reach && column + reach < width && row + reach < height
  for (let part = 0; part < dx.length; part++) {
    const px = column + dx[part]
    const py = row + dy[part]
    if (!inside && (px < 0 || py < 0 || px >= width || py >= height)) continue
    const at = 4 * (py * width + px)
    const share = cover[part] * strength
    if (rim) {
      const dark = rim[part]
      pixels[at] += (red + (edge - red) * dark - pixels[at]) * share
      pixels[at + 1] += (green + (edge - green) * dark - pixels[at + 1]) * share
      pixels[at + 2] += (blue + (edge - blue) * dark - pixels[at + 2]) * share
    } else {
      pixels[at] += (red - pixels[at]) * share
      pixels[at + 1] += (green - pixels[at + 1]) * share
      pixels[at + 2] += (blue - pixels[at + 2]) * share
    }
  }
}

// A step that visits every number below `count` once, in a scattered order.
function stride(count) {
  let step = Math.max(1, Math.round(count * 0.6180339887))
  const common = (a, b) => (b ? common(b, a % b) : a)
  while (common(step, count) !== 1) step++
  return step
}
