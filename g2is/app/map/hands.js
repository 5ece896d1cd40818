// Pointer, touch, wheel and keys: what the reader does with the map.

const CLICK_PX = 4 // a press that moves less is a click
const REACH_PX = 14 // a click this near a dot means it
const CORNERS = 300 // the most corners of a lasso that are sent
const AHEAD = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
const MODE_KEYS = { m: "move", l: "lasso", b: "box" }

class Hands {
  constructor(map, canvas) {
    this.map = map
    this.canvas = canvas
    this.fingers = new Map()
    this.mode = "move"
    canvas.onpointerdown = (event) => this.down(event)
    canvas.onpointermove = (event) => this.move(event)
    canvas.onpointerup = (event) => this.up(event)
    canvas.onpointercancel = () => this.drop()
    canvas.onpointerleave = () => map.point(null)
    canvas.ondblclick = (event) => {
      if (map.nearest(...this.at(event), REACH_PX) === null) map.reset()
    }
    canvas.onkeydown = (event) => this.key(event)
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
  }

  setMode(mode) {
    this.mode = mode
    this.canvas.classList.toggle("draws", mode !== "move")
    for (const button of this.map.root.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-checked", String(button.dataset.mode === mode))
    }
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
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
    if (!press) return event.pointerType === "touch" ? undefined : this.map.point(here)
    if (!press.moved && distance(here, press.from) < CLICK_PX) return
    if (!press.moved) this.canvas.classList.add("dragging")
    press.moved = true
    if (press.drawing) this.drawTo(here)
    else this.map.pan(here[0] - press.last[0], here[1] - press.last[1])
    press.last = here
  }

  drawTo([left, top]) {
    const { drawing, from, trail } = this.press
    const corner = (x, y) => this.map.unplace(x, y)
    if (drawing === "box") {
      this.map.drawn = [corner(...from), corner(left, from[1]), corner(left, top), corner(from[0], top)]
    } else if (!trail.length || distance(trail.at(-1), [left, top]) >= 3) {
      if (!trail.length) trail.push(from)
      trail.push([left, top])
      this.map.drawn = trail.map(([x, y]) => corner(x, y))
    }
    this.map.change("marks")
  }

  up(event) {
    this.fingers.delete(event.pointerId)
    this.canvas.classList.remove("dragging")
    const press = this.press
    this.press = null
    if (!press) return
    if (!press.moved) {
      const found = this.map.nearest(...this.at(event), REACH_PX)
      if (event.pointerType === "touch") this.map.point(this.at(event))
      if (found !== null) this.map.go(found)
      return
    }
    if (!press.drawing) return
    const drawn = this.map.drawn ?? []
    if (drawn.length < 3) return this.drop()
    const every = Math.ceil(drawn.length / CORNERS)
    const polygon = drawn.filter((_, corner) => corner % every === 0)
    this.map.surround(polygon.map((corner) => corner.map(Math.round)))
  }

  drop({ keepFingers = false } = {}) {
    if (!keepFingers) this.fingers.clear()
    this.press = null
    this.canvas.classList.remove("dragging")
    this.map.drawn = null
    this.map.change("marks")
  }

  pinch(finger, here) {
    const [one, other] = [...this.fingers.keys()]
    const still = this.fingers.get(finger === one ? other : one)
    const before = this.fingers.get(finger)
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
    const [was, is] = [middle(still, before), middle(still, here)]
    this.fingers.set(finger, here)
    this.map.pan(is[0] - was[0], is[1] - was[1])
    this.map.zoomBy(distance(still, here) / Math.max(1, distance(still, before)), is)
  }

  wheel(event) {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 33 : 1
    this.map.zoomBy(Math.exp(-0.0016 * lines * event.deltaY), this.at(event))
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const { map } = this
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (AHEAD[key]) map.step(AHEAD[key])
    else if (key === "Escape") this.press ? this.drop() : map.clear()
    else if (key === "+" || key === "=") map.zoomBy(1.5)
    else if (key === "-") map.zoomBy(1 / 1.5)
    else if (key === "0") map.reset()
    else if (MODE_KEYS[key]) this.setMode(MODE_KEYS[key])
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1])
}
