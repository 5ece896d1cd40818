// Which part of a plane a canvas shows. Coordinates of the plane grow to the right and upwards, those of the screen
// (in CSS pixels) to the right and downwards. At zoom 1 the whole plane is seen, with a margin.

const MARGIN = 20
const [LEAST, MOST] = [0.5, 400]

export class Plane {
  constructor() {
    this.width = this.height = 1 // of the canvas
    this.extent = [1, 1] // of the plane, from (0, 0)
    this.view = this.whole()
  }

  // Takes the size of an element, for the canvases in it too; returns their pixels for one of CSS.
  fill(element, ...canvases) {
    this.width = Math.max(1, element.clientWidth)
    this.height = Math.max(1, element.clientHeight)
    const dpr = Math.min(3, globalThis.devicePixelRatio || 1)
    for (const canvas of canvases) {
      canvas.width = Math.round(this.width * dpr)
      canvas.height = Math.round(this.height * dpr)
    }
    return dpr
  }

  whole() {
    const [wide, high] = this.extent
    return { x: wide / 2, y: high / 2, zoom: 1 }
  }

  // Shows a box of the plane, with a margin; one that is a point is not zoomed to without end.
  show([left, bottom, right, top]) {
    const [wide, high] = this.extent
    const share = Math.max((right - left) / wide, (top - bottom) / high, 0.02)
    Object.assign(this.view, { x: (left + right) / 2, y: (bottom + top) / 2, zoom: Math.max(LEAST, 0.92 / share) })
  }

  isWhole() {
    return Object.entries(this.whole()).every(([name, value]) => this.view[name] === value)
  }

  // Pixels for a unit of the plane.
  get scale() {
    const [wide, high] = this.extent
    return this.view.zoom * Math.min((this.width - 2 * MARGIN) / wide, (this.height - 2 * MARGIN) / high)
  }

  // From the plane to the screen, and back.
  place(x, y) {
    return [(x - this.view.x) * this.scale + this.width / 2, this.height / 2 - (y - this.view.y) * this.scale]
  }

  unplace(left, top) {
    return [(left - this.width / 2) / this.scale + this.view.x, (this.height / 2 - top) / this.scale + this.view.y]
  }

  // [a, b, c, d] with pixel of the device = (a x + b, c y + d).
  projection(dpr) {
    const { scale, view, width, height } = this
    return [
      dpr * scale,
      dpr * (width / 2 - view.x * scale),
      -dpr * scale,
      dpr * (height / 2 + view.y * scale),
    ]
  }

  // Whether a place on the screen lies in the canvas, with `room` pixels around it, or further in if that is negative.
  sees([left, top], room = 12) {
    return left > -room && top > -room && left < this.width + room && top < this.height + room
  }

  pan(right, down) {
    this.view.x -= right / this.scale
    this.view.y += down / this.scale
  }

  // What is at a place of the screen stays there.
  zoomBy(factor, [left, top] = [this.width / 2, this.height / 2]) {
    const [x, y] = this.unplace(left, top)
    this.view.zoom = Math.min(MOST, Math.max(LEAST, this.view.zoom * factor))
    const [nowX, nowY] = this.unplace(left, top)
    this.view.x += x - nowX
    this.view.y += y - nowY
  }
}
