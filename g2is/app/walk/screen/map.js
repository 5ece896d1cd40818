// The map of the walk: the pool as faint dots, the path up to the step, and what the step considered.

import SYMBOLS from "../../../figures/symbols.json"
import { parse } from "../../shared/canvas/colours.js"
import { Dots } from "../../shared/canvas/dots.js"
import { Gestures } from "../../shared/canvas/gestures.js"
import { Pen } from "../../shared/canvas/pen.js"
import { Plane } from "../../shared/canvas/plane.js"
import { readTheme } from "../../shared/canvas/theme.js"
import { element, number } from "../../shared/dom.js"
import { ORIGINS } from "../../shared/origins.js"
import { Places } from "../../shared/canvas/places.js"
import { Colours } from "./colour.js"
import { drawWalk } from "./path.js"
import { Trail } from "./trail.js"

const STAR_PX = 7 // a click this near a star means it

export class WalkMap {
  constructor(screen) {
    this.screen = screen
    const { find } = screen
    this.stage = find(".stage[data-stage=map]")
    this.plane = new Plane()
    this.dots = new Dots(find(".dots"))
    this.pen = new Pen(find(".over"))
    this.gestures = new Gestures(find(".over"), this)
    this.trail = new Trail()
    this.colours = new Colours(this, () => this.change())
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(this.stage)
    this.readTheme()
    this.resize()
  }

  close() {
    this.closed = true
    this.resized.disconnect()
  }

  receivePoints(part) {
    if (this.key === part.map) return
    this.key = part.map
    this.places = new Places(part)
    this.plane.extent = part.extent
    this.plane.view = this.screen.channel.memory[part.map] ??= this.plane.whole()
    this.colours.draw()
  }

  readTheme() {
    Object.assign(this, readTheme(this.screen.root))
    this.colours.draw()
  }

  resize() {
    this.dpr = this.plane.fill(this.stage, this.dots.canvas, this.pen.canvas)
    this.change()
  }

  // Of a dot, in CSS pixels.
  get radius() {
    const { width, height, view } = this.plane
    const room = Math.sqrt((0.07 * width * height) / (Math.PI * this.places.x.length))
    return Math.min(7, Math.max(0.8, Math.min(4, room)) * view.zoom ** 0.4)
  }

  // What Gestures asks of the map

  nearest(place, reach) {
    if (!this.places) return null
    const { scale } = this.plane
    const chosen = new Set(this.screen.walk.part?.sample)
    return this.places.nearest(this.plane.unplace(...place), reach / scale, STAR_PX / scale, chosen)
  }

  hover(sample) {
    this.screen.hover(sample)
  }

  open(sample) {
    this.screen.open(sample)
  }

  moved() {
    this.change()
  }

  reset() {
    if (!this.places) return
    Object.assign(this.plane.view, this.plane.whole())
    this.change()
  }

  clear() {
    this.screen.reading.back()
  }

  step() {}

  draw(area) {
    this.area = area
    this.drawMarks()
  }

  surround(polygon) {
    this.area = null
    this.screen.raise("drawn", polygon)
  }

  modeChanged() {}

  drawTip() {
    const { hovered, walk, find } = this.screen
    const tip = find(".tip")
    tip.hidden = hovered === null || !this.places?.has(hovered)
    if (tip.hidden) return
    const title = hovered < 0 ? `Example ${number(-1 - hovered)}` : `#${number(hovered)}`
    const text = hovered < 0 ? walk.examples.get(-1 - hovered)?.prompt.slice(0, 160) : walk.lines.get(hovered)
    const step = walk.stepOf(hovered)
    tip.replaceChildren(element("b", "", step < 0 ? title : `${title}, step ${number(step + 1)}`))
    const words = element("span", "words", text ?? (hovered < 0 ? "" : "click to read it and why it is not taken"))
    words.dir = "auto"
    tip.append(words)
    const [left, top] = this.plane.place(...this.places.at(hovered))
    tip.style.left = `${Math.max(4, Math.min(left + 14, this.plane.width - tip.offsetWidth - 4))}px`
    tip.style.top = top > this.plane.height / 2 ? `${Math.max(4, top - tip.offsetHeight - 14)}px` : `${top + 16}px`
  }

  // Drawing: the dots at most once a frame, the marks above them at once.

  change() {
    if (!this.waiting) requestAnimationFrame(() => this.paint())
    this.waiting = true
  }

  paint() {
    this.waiting = false
    if (this.closed || !this.places || this.plane.width < 2) return
    const { colours, states } = this.colours.paint(this.places, this.screen.search.found, this.screen.basket)
    this.dots.draw({
      points: this.places,
      colours,
      state: states,
      projection: this.plane.projection(this.dpr),
      radius: Math.round(4 * this.radius * this.dpr) / 4,
      line: 1.5 * this.dpr,
      ink: this.ink,
      paper: this.paper,
      frames: parse(SYMBOLS.basket.colour),
    })
    this.drawMarks()
    Object.assign(this.screen.root.dataset, { drawn: this.key, scheme: this.colours.colouring?.part.scheme ?? "" })
  }

  drawHover() {
    this.drawMarks()
    this.drawTip()
  }

  drawMarks() {
    const { walk, step, asked, hovered } = this.screen
    if (this.closed || !this.places || !walk.count || this.plane.width < 2) return
    const { width, height } = this.plane
    const { dpr, ink, paper, accent, font } = this
    this.pen.begin({ width, height, dpr, ink, paper, accent, font })
    const { x, y, zoom } = this.plane.view
    const key = [this.key, this.colours.key, walk.part.id, x, y, zoom, width, height, dpr, ink, paper].join(" ")
    const { plane, places, trail, radius } = this
    const fillOf = (row) => this.colours.of(row)
    drawWalk(this.pen, { plane, places, walk, trail, key, step, asked, hovered, radius, fillOf })
    if (this.area?.length) this.pen.area(this.area.map((corner) => this.plane.place(...corner)))
    this.drawKey()
  }

  // What the marks mean.
  drawKey() {
    if (this.keyed) return
    this.keyed = true
    const entries = [
      [SYMBOLS.validation.mark, "example asked for"],
      [ORIGINS.anchor.mark, "taken"],
      [SYMBOLS.rejected.mark, "rejected"],
      ["○", "next in line"],
      [SYMBOLS.basket.mark, "set aside (Shift and drag around them)"],
      ["+ −", "added, removed by the last change"],
    ]
    this.screen.find(".marks[data-stage=map]").replaceChildren(
      ...entries.map(([mark, text]) => {
        const entry = element("span", "entry")
        entry.append(element("b", "", mark), ` ${text}`)
        return entry
      }),
    )
  }
}
