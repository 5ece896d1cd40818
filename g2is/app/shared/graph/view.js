// A neighbourhood on a canvas: drawn, zoomed, pointed at and walked through by keys.

import { css, isDark } from "../canvas/colours.js"
import { Gestures } from "../canvas/gestures.js"
import { Pen } from "../canvas/pen.js"
import { Plane } from "../canvas/plane.js"
import { readTheme } from "../canvas/theme.js"
import { element } from "../dom.js"
import { drawGraph } from "./marks.js"

const STRETCH = 1.7 // a layout is made wider or narrower by this at most, to fill the stage
const ROOM = 0.05 // around the nodes, for what is written at them

// stage: an element that the view fills. owner: has the functions
//   hover(key or null), open(node), escape(): Escape on the canvas
//   describe(node): its name, what it is to the focus, and its text unless that is shown elsewhere
export class GraphView {
  constructor(stage, owner) {
    this.stage = stage
    this.owner = owner
    const canvas = element("canvas", "nodes")
    canvas.tabIndex = 0
    canvas.setAttribute("role", "application")
    canvas.setAttribute("aria-roledescription", "graph")
    this.tip = element("div", "tip")
    this.tip.hidden = true
    this.message = element("p", "message")
    this.message.setAttribute("role", "status")
    // What tests and assistive scripts can read of a picture: [key, left, top] of every node.
    canvas.places = () => (this.graph?.nodes ?? []).map((node) => [node.key, ...this.at(node)])
    stage.append(canvas, this.message, this.tip)
    this.plane = new Plane()
    this.pen = new Pen(canvas)
    this.gestures = new Gestures(canvas, this)
    this.graph = null
    this.opened = null // the node that was opened last, whose text stands elsewhere until another is pointed at
    this.places = new Map()
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(stage)
    this.readTheme()
    this.resize()
  }

  close() {
    this.resized.disconnect()
  }

  // CSS colours of text and page, and whether the page is dark.
  get theme() {
    return { dark: isDark(this.paper), ink: css(this.ink), paper: css(this.paper), accent: this.accent }
  }

  readTheme() {
    Object.assign(this, readTheme(this.stage))
  }

  resize() {
    this.dpr = this.plane.fill(this.stage, this.pen.canvas)
    this.arrange()
    this.paint()
  }

  // marks: see `drawGraph`. Without a graph: what to say in its place.
  show(graph, marks, message) {
    const another = graph !== this.graph
    this.graph = graph
    this.marks = marks
    this.message.textContent = graph ? "" : message
    if (another) this.arrange()
    this.paint()
  }

  // Where each node lies in the plane, which takes the proportions of the stage.
  arrange() {
    if (!this.graph) return
    const { nodes } = this.graph
    const [left, bottom] = ["x", "y"].map((axis) => Math.min(...nodes.map((node) => node[axis])))
    const [wide, high] = [["x", left], ["y", bottom]].map(([axis, low]) =>
      Math.max(0.3, ...nodes.map((node) => node[axis] - low)),
    )
    const wanted = (this.plane.width * high) / (this.plane.height * wide)
    const stretch = Math.min(STRETCH, Math.max(1 / STRETCH, wanted))
    const room = [ROOM * wide, ROOM * high]
    this.plane.extent = [(wide + 2 * room[0]) * stretch, high + 2 * room[1]]
    this.plane.view = this.plane.whole()
    this.places = new Map(
      nodes.map((node) => [node.key, [(node.x - left + room[0]) * stretch, node.y - bottom + room[1]]]),
    )
  }

  at(node) {
    return this.plane.place(...this.places.get(node.key))
  }

  paint() {
    const { plane, pen, graph, marks, dpr, ink, paper, accent, font } = this
    if (plane.width < 2) return
    pen.begin({ width: plane.width, height: plane.height, dpr, ink, paper, accent, font })
    if (graph) drawGraph(pen, { graph, at: (node) => this.at(node), marks, dark: this.theme.dark })
    this.stage.dataset.focus = graph?.focus ?? ""
    this.stage.dataset.hovered = (graph && marks.hovered) ?? ""
    this.drawTip()
  }

  drawTip() {
    const { tip, graph, marks, plane } = this
    if (marks?.hovered !== this.opened) this.opened = null
    const node = graph?.byKey.get(marks.hovered)
    tip.hidden = !node || this.opened !== null
    if (tip.hidden) return
    const { name, what, text } = this.owner.describe(node)
    const words = element("span", "words", text)
    words.dir = "auto"
    tip.replaceChildren(element("b", "", name), element("span", "what", what), ...(text ? [words] : []))
    const [left, top] = this.at(node)
    tip.style.left = `${Math.max(4, Math.min(left + 16, plane.width - tip.offsetWidth - 4))}px`
    tip.style.top = top > plane.height / 2 ? `${Math.max(4, top - tip.offsetHeight - 18)}px` : `${top + 18}px`
  }

  // The node after the one pointed at, or before it, in the order of nodes: similar ones first, strongest first.
  next(by) {
    if (!this.graph) return
    const { nodes } = this.graph
    const here = nodes.findIndex((node) => node.key === this.marks.hovered)
    const place = here < 0 ? (by > 0 ? 1 : nodes.length - 1) : (here + by + nodes.length) % nodes.length
    this.owner.hover(nodes[Math.min(place, nodes.length - 1)].key)
  }

  // Opens the node pointed at; whether there is one.
  enter() {
    const node = this.graph?.byKey.get(this.marks.hovered)
    if (node) this.open(node.key)
    return Boolean(node)
  }

  // What Gestures asks of a target

  nearest(place, reach) {
    let [best, least] = [null, reach]
    for (const node of this.graph?.nodes ?? []) {
      const [left, top] = this.at(node)
      const away = Math.hypot(left - place[0], top - place[1])
      if (away < least) [best, least] = [node.key, away]
    }
    return best
  }

  hover(key) {
    this.owner.hover(key)
  }

  open(key) {
    this.opened = key
    this.tip.hidden = true
    this.owner.open(this.graph.byKey.get(key))
  }

  moved() {
    this.paint()
  }

  reset() {
    this.plane.view = this.plane.whole()
    this.paint()
  }

  step([right, up]) {
    this.next(right - up)
  }

  clear() {
    this.owner.escape()
  }

  draw() {}

  surround() {}

  modeChanged() {}
}
