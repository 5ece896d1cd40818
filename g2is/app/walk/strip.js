// Steps through a walk without asking the server: Python hears of a step once the reader rests on it.
// Steps and rows count from 0, as in the trace; on the screen steps count from 1.

import { element, number } from "../shared/dom.js"
import { ORIGINS } from "../shared/origins.js"

const KEYS = { ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last", " ": "play" }
const REST_MS = 250 // Python is told of a step after this long without another,
const LONGEST_MS = 1000 // and while playing at least this often
const PAGE = "body, .stMain, .stApp" // has the focus if no control has it
const CARD_PX = 150 // the least width of a card
const DIGIT_PX = 7 // the width of a digit on a band

const strips = new WeakMap()

export default function (component) {
  const { data, parentElement, setStateValue } = component
  let strip = strips.get(parentElement)
  if (!strip) {
    strip = new Strip(parentElement.querySelector(".strip"))
    strips.set(parentElement, strip)
  }
  strip.report = (step) => setStateValue("step", step)
  strip.show(data)
  return () => {
    strip.close()
    strips.delete(parentElement)
  }
}

class Strip {
  constructor(root) {
    this.root = root
    this.find = (name) => root.querySelector(name)
    this.slider = this.find(".slider")
    this.step = 0
    this.order = null // the last order of Python to go to a step
    this.bind()
    this.drawLegend()
  }

  bind() {
    for (const button of this.root.querySelectorAll("button")) {
      button.onclick = () => this.act(button.dataset.action)
    }
    this.slider.oninput = () => this.go(Number(this.slider.value))
    this.find("select").onchange = () => this.playing && this.play()
    this.root.onkeydown = (event) => this.key(event)
    // Left and Right also work before anything on the page has been clicked.
    this.fromPage = (event) => {
      const arrow = event.key === "ArrowLeft" || event.key === "ArrowRight"
      if (arrow && event.target.matches(PAGE)) this.key(event)
    }
    document.addEventListener("keydown", this.fromPage)
    // A frame shows that they do: no other part of the page has the focus then.
    this.focused = () => {
      this.root.classList.toggle("listening", document.activeElement?.matches(PAGE) ?? true)
    }
    // When the focus leaves one element, it has not yet reached the next.
    this.blurred = () => setTimeout(this.focused)
    document.addEventListener("focusin", this.focused)
    document.addEventListener("focusout", this.blurred)
    this.focused()
    this.resized = new ResizeObserver(() => this.data && this.resize())
    this.resized.observe(this.root)
  }

  close() {
    document.removeEventListener("keydown", this.fromPage)
    document.removeEventListener("focusin", this.focused)
    document.removeEventListener("focusout", this.blurred)
    this.resized.disconnect()
    this.pause()
    clearTimeout(this.resting)
  }

  show(data) {
    this.data = data
    this.count = data.sample.length
    this.slider.max = Math.max(1, this.count - 1)
    this.drawBands()
    // A later rerun repeats the order, though the reader has moved on since.
    const ordered = this.order !== data.order
    if (ordered) {
      this.order = data.order
      clearTimeout(this.resting)
    }
    this.step = this.clamp(ordered ? data.step : this.step)
    this.draw()
  }

  key(event) {
    const action = KEYS[event.key]
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return
    const inMenu = event.target.tagName === "SELECT"
    const pressesButton = event.key === " " && event.target.tagName === "BUTTON"
    if (inMenu || pressesButton) return
    event.preventDefault()
    event.stopPropagation()
    this.act(action)
  }

  act(action) {
    if (action === "play") return this.playing ? this.pause() : this.play()
    this.pause()
    this.go({ first: 0, back: this.step - 1, forward: this.step + 1, last: this.count - 1 }[action])
  }

  play() {
    this.pause()
    if (this.step >= this.count - 1) this.go(0)
    const wait = 1000 / Number(this.find("select").value)
    this.playing = setInterval(() => {
      this.go(this.step + 1)
      if (this.step >= this.count - 1) this.pause()
    }, wait)
    this.drawPlay()
  }

  pause() {
    clearInterval(this.playing)
    this.playing = null
    this.drawPlay()
  }

  go(step) {
    const next = this.clamp(step)
    if (next === this.step) return
    this.step = next
    this.draw()
    this.reportSoon()
  }

  reportSoon() {
    clearTimeout(this.resting)
    this.waiting ??= performance.now()
    const late = performance.now() - this.waiting > LONGEST_MS
    this.resting = setTimeout(() => {
      this.waiting = null
      this.report(this.step)
    }, late ? 0 : REST_MS)
  }

  clamp(step) {
    return Math.max(0, Math.min(step, this.count - 1))
  }

  draw() {
    this.drawPlay()
    this.slider.value = this.step
    this.slider.disabled = this.count < 2
    const actions = { first: this.step > 0, back: this.step > 0 }
    actions.forward = actions.last = this.step < this.count - 1
    for (const [action, possible] of Object.entries(actions)) {
      // Not `disabled`: a button that loses the focus on the last step would lose the keys too.
      this.find(`[data-action=${action}]`).setAttribute("aria-disabled", String(!possible))
    }
    const text = this.count ? this.describe(this.step) : "No instruction was taken"
    this.slider.setAttribute("aria-valuetext", text)
    this.find(".where").textContent = text
    this.root.dataset.step = this.step
    this.drawCards()
  }

  describe(step) {
    const component = this.data.component[step]
    const part = component < 0 ? "pinned" : `target direction ${component}`
    return `Step ${number(step + 1)} of ${number(this.count)} · ${part}`
  }

  drawPlay() {
    const button = this.find(".play")
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play")
    button.setAttribute("aria-pressed", String(Boolean(this.playing)))
  }

  drawBands() {
    // One band for each run of steps for one target direction; drawn again only for another walk.
    const { component } = this.data
    const walk = component.join()
    if (walk === this.bandsOf) return
    this.bandsOf = walk
    const bands = []
    component.forEach((part, step) => {
      if (step === 0 || part !== component[step - 1]) bands.push({ part, step, length: 0 })
      bands.at(-1).length += 1
    })
    this.find(".bands").replaceChildren(
      ...bands.map(({ part, step, length }) => {
        const band = element("div", "band", part < 0 ? "P" : String(part))
        band.style.flexGrow = length
        band.title = `${part < 0 ? "pins" : `target direction ${part}`}: ${number(length)} instructions`
        band.onclick = () => {
          this.pause()
          this.go(step)
        }
        return band
      }),
    )
    this.bands = bands
    this.fitBands()
  }

  resize() {
    this.fitBands()
    this.drawCards()
  }

  fitBands() {
    const pixels = this.find(".bands").clientWidth / Math.max(1, this.count)
    ;[...this.find(".bands").children].forEach((band, index) => {
      const room = this.bands[index].length * pixels
      band.classList.toggle("small", room < DIGIT_PX * (band.textContent.length + 1))
    })
  }

  drawCards() {
    const here = this.bands.findLastIndex((band) => band.step <= this.step)
    ;[...this.find(".bands").children].forEach((band, index) => {
      band.classList.toggle("current", index === here)
    })
    const list = this.find(".cards")
    const room = Math.max(1, Math.floor(list.clientWidth / CARD_PX))
    const first = Math.max(0, Math.min(this.step - (room >> 1), this.count - room))
    const steps = Array.from({ length: Math.min(room, this.count) }, (_, place) => first + place)
    list.replaceChildren(...steps.map((step) => this.card(step)))
  }

  card(step) {
    const { sample, origin, alignment, text, text_from: from } = this.data
    const kind = this.data.origins[origin[step]]
    const card = element("li", "card")
    card.style.setProperty("--origin", ORIGINS[kind].colour)
    if (step === this.step) card.setAttribute("aria-current", "step")
    card.onclick = () => {
      this.pause()
      this.go(step)
    }
    const head = element("div", "head")
    head.append(badgeOf(ORIGINS[kind]), element("span", "number", number(step + 1)))
    const aligned = alignment[step]
    const foot = element("div", "foot", `#${number(sample[step])}`)
    if (aligned !== null) foot.append(element("span", "aligned", `∡ ${aligned}`))
    foot.title = "row in the pool, and the alignment after this step"
    const words = element("div", "text", text[step - from] ?? "…")
    words.dir = "auto"
    card.append(head, words, foot)
    return card
  }

  drawLegend() {
    this.find(".legend").replaceChildren(
      ...Object.values(ORIGINS).map((origin) => {
        const entry = element("span", "entry")
        entry.append(badgeOf(origin), ` ${origin.meaning}`)
        return entry
      }),
      element("span", "entry", "∡ alignment after the step"),
      element("span", "entry", "Keys: ← → one step, Home and End, Space plays"),
    )
  }
}

function badgeOf({ colour, mark, letter, meaning }) {
  const badge = element("span", "badge", `${mark} ${letter}`)
  badge.style.setProperty("--origin", colour)
  badge.title = meaning
  badge.setAttribute("role", "img")
  badge.setAttribute("aria-label", meaning)
  return badge
}
