// Draws the map, at most once a frame.

import SYMBOLS from "../../figures/symbols.json"
import { css, parse } from "../shared/canvas/colours.js"
import { drawMarks } from "../shared/canvas/marks.js"

export class Painter {
  // map: a MapView.
  constructor(map) {
    this.map = map
    this.changed = new Set()
  }

  // what: "dots" for everything, "marks" for what lies above the dots.
  change(what) {
    if (!this.changed.size) requestAnimationFrame(() => this.paint())
    this.changed.add(what)
  }

  // Of a dot, in CSS pixels.
  get radius() {
    const { plane, places } = this.map
    const { width, height, view } = plane
    const room = Math.sqrt((0.13 * width * height) / (Math.PI * places.x.length))
    return Math.min(9, Math.max(0.9, Math.min(5.5, room)) * view.zoom ** 0.4)
  }

  paint() {
    const { map } = this
    const all = this.changed.has("dots")
    this.changed.clear()
    if (map.closed || !map.ready) return
    const started = performance.now()
    const { part } = map.colouring
    if (all) this.paintDots()
    map.pen.begin(map.shown())
    drawMarks(map.pen, {
      ...map.shown(),
      radius: this.radius,
      names: part.names.filter(({ sample }) => !map.highlight.hides(sample)).map(({ text, at }) => [text, at]),
      hover: map.pointed,
      area: map.area,
      rampOf: part.scheme === "order" ? (sample) => this.rampOf(sample) : null,
    })
    // What tests and assistive scripts can read of a picture.
    Object.assign(map.root.dataset, {
      drawn: map.key,
      scheme: part.scheme,
      focus: map.focus ?? "",
      zoom: map.plane.view.zoom.toFixed(3),
      selected: map.counted ?? 0,
      found: map.search.part?.on ? map.search.part.count : "",
      alone: map.highlight.alone,
    })
    if (all) map.root.dataset.paint = (performance.now() - started).toFixed(1)
  }

  paintDots() {
    const { dots, plane, dpr, ink, paper, places, colouring, highlight } = this.map
    dots.draw({
      points: places,
      colours: colouring,
      state: highlight.states(),
      projection: plane.projection(dpr),
      radius: Math.round(4 * this.radius * dpr) / 4,
      line: 1.5 * dpr,
      ink,
      paper,
      frames: parse(SYMBOLS.basket.colour),
    })
  }

  // The colour of a step of the walk.
  rampOf(sample) {
    const { colouring } = this.map
    const code = colouring.codes[sample]
    return code === colouring.part.missing ? null : css(colouring.colour(code))
  }
}
