// Pointer, touch, wheel and keys on a canvas that shows a plane.
//
// target: what they act on. `plane`, and the functions
//   nearest(place, reach): the item at most this many pixels from a place on the screen, or null
//   hover(item or null), open(item), moved(): the view has changed, reset(): show all
//   step([right, up]): go to the next item in that direction, clear(): Escape
//   draw(corners or null): an area is being drawn, surround(corners): it is complete; in coordinates of the plane
//   modeChanged(mode): "move", "lasso" or "box"

const CLICK_PX = 4 // a press that moves less is a click
const REACH_PX = 14 // a click this near an item means it
const TRAIL_PX = 3 // between two corners of a lasso
const CORNERS = 300 // of a lasso, at most
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
const MODES = { m: "move", l: "lasso", b: "box" }

export class Gestures {
  constructor(canvas, target) {
    this.canvas = canvas
    this.target = target
    this.fingers = new Map()
    this.mode = "move"
    canvas.onpointerdown = (event) => this.down(event)
    canvas.onpointermove = (event) => this.move(event)
    canvas.onpointerup = (event) => this.up(event)
    canvas.onpointercancel = () => this.drop()
    canvas.onpointerleave = () => target.hover(null)
    canvas.ondblclick = (event) => {
      if (this.item(event) === null) target.reset()
    }
    canvas.onkeydown = (event) => this.key(event)
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
  }

  setMode(mode) {
    this.mode = mode
    this.canvas.classList.toggle("draws", mode !== "move")
    this.target.modeChanged(mode)
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  // What is under the pointer, or null.
  item(event) {
    return this.target.nearest(this.at(event), REACH_PX)
  }

  down(event) {
    if (event.button) return
    this.canvas.setPointerCapture(event.pointerId)
    this.fingers.set(event.pointerId, this.at(event))
    if (this.fingers.size === 2) {
      this.drop({ keepFingers: true }) // a second finger turns whatever the first began into zooming
      return
    }
    const drawing = this.mode !== "move" ? this.mode : event.shiftKey ? "lasso" : null
    this.press = { from: this.at(event), last: this.at(event), moved: false, drawing, trail: [] }
  }

  move(event) {
    const here = this.at(event)
    if (this.fingers.has(event.pointerId)) {
      if (this.fingers.size === 2) return this.pinch(event.pointerId, here)
      this.fingers.set(event.pointerId, here)
    }
    const press = this.press
    if (!press) return event.pointerType === "touch" ? undefined : this.target.hover(this.item(event))
    if (!press.moved && distance(here, press.from) < CLICK_PX) return
    if (!press.moved) this.canvas.classList.add("dragging")
    press.moved = true
    if (press.drawing) this.drawTo(here)
    else this.pan(here[0] - press.last[0], here[1] - press.last[1])
    press.last = here
  }

  pan(right, down) {
    this.target.plane.pan(right, down)
    this.target.moved()
  }

  zoomBy(factor, place) {
    this.target.plane.zoomBy(factor, place)
    this.target.moved()
  }

  drawTo([left, top]) {
    const { drawing, from, trail } = this.press
    if (drawing === "box") {
      this.drawn = [from, [left, from[1]], [left, top], [from[0], top]]
    } else if (!trail.length || distance(trail.at(-1), [left, top]) >= TRAIL_PX) {
      if (!trail.length) trail.push(from)
      trail.push([left, top])
      this.drawn = trail
    }
    this.target.draw(this.corners())
  }

  corners() {
    return (this.drawn ?? []).map((place) => this.target.plane.unplace(...place))
  }

  up(event) {
    this.fingers.delete(event.pointerId)
    this.canvas.classList.remove("dragging")
    const press = this.press
    this.press = null
    if (!press) return
    if (!press.moved) {
      const item = this.item(event)
      if (event.pointerType === "touch") this.target.hover(item)
      if (item !== null) this.target.open(item)
      return
    }
    if (!press.drawing) return
    const corners = this.corners()
    this.drawn = null
    if (corners.length < 3) return this.drop()
    const every = Math.ceil(corners.length / CORNERS)
    const kept = corners.filter((_, corner) => corner % every === 0)
    this.target.surround(kept.map((corner) => corner.map(Math.round)))
  }

  drop({ keepFingers = false } = {}) {
    if (!keepFingers) this.fingers.clear()
    this.press = this.drawn = null
    this.canvas.classList.remove("dragging")
    this.target.draw(null)
  }

  pinch(finger, here) {
    const [one, other] = [...this.fingers.keys()]
    const still = this.fingers.get(finger === one ? other : one)
    const before = this.fingers.get(finger)
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
    const [was, is] = [middle(still, before), middle(still, here)]
    this.fingers.set(finger, here)
    this.pan(is[0] - was[0], is[1] - was[1])
    this.zoomBy(distance(still, here) / Math.max(1, distance(still, before)), is)
  }

  wheel(event) {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 33 : 1
    this.zoomBy(Math.exp(-0.0016 * lines * event.deltaY), this.at(event))
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (DIRECTIONS[key]) this.target.step(DIRECTIONS[key])
    else if (key === "Escape") this.press ? this.drop() : this.target.clear()
    else if (key === "+" || key === "=") this.zoomBy(1.5)
    else if (key === "-") this.zoomBy(1 / 1.5)
    else if (key === "0") this.target.reset()
    else if (MODES[key]) this.setMode(MODES[key])
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1])
}
