// The strip: buttons, the alignment of every step as bars, a slider, and the steps around the current one.

import { decimals, element, number } from "../../shared/dom.js"
import { ORIGINS } from "../../shared/origins.js"

const CARD_PX = 150 // the least width of a card

export class Strip {
  constructor(screen) {
    this.screen = screen
    const { root, find } = screen
    this.slider = find(".slider")
    this.bars = find(".bars")
    for (const button of root.querySelectorAll("[data-action]")) {
      button.onclick = () => this.act(button.dataset.action)
    }
    this.slider.oninput = () => {
      this.pause()
      screen.go(Number(this.slider.value))
    }
    this.bars.onclick = (event) => {
      const { left, width } = this.bars.getBoundingClientRect()
      this.pause()
      screen.go(Math.floor(((event.clientX - left) / width) * screen.walk.count))
    }
    find(".strip select").onchange = () => this.playing && this.play()
    this.resized = new ResizeObserver(() => this.screen.walk.count && this.draw())
    this.resized.observe(find(".strip"))
  }

  close() {
    this.resized.disconnect()
  }

  act(action) {
    const { screen } = this
    if (action === "play") return this.playing ? this.pause() : this.play()
    if (action === "help") return screen.panes.toggleHelp()
    if (action === "link") return this.copyLink()
    this.pause()
    const { step, walk } = screen
    screen.go({ first: 0, back: step - 1, forward: step + 1, last: walk.count - 1 }[action])
  }

  copyLink() {
    const button = this.screen.find("[data-action=link]")
    navigator.clipboard?.writeText(location.href).then(() => {
      button.textContent = "Copied"
      setTimeout(() => (button.textContent = "Link"), 1500)
    })
  }

  play() {
    const { screen } = this
    this.pause()
    const atEnd = () => screen.step >= screen.walk.count - 1
    if (atEnd()) screen.go(0)
    this.playing = setInterval(() => {
      screen.go(screen.step + 1)
      if (atEnd()) this.pause()
    }, 1000 / Number(screen.find(".strip select").value))
    this.drawPlay()
  }

  pause() {
    clearInterval(this.playing)
    this.playing = null
    this.drawPlay()
  }

  // Another walk.
  show() {
    this.slider.max = Math.max(1, this.screen.walk.count - 1)
    const known = [...this.screen.walk.part.alignment].filter((value) => !Number.isNaN(value))
    this.high = Math.max(0.05, ...extremes(known, Math.max))
    this.low = Math.min(0, ...extremes(known, Math.min))
    this.drawLegend()
  }

  draw() {
    const { step, walk, find } = this.screen
    this.drawPlay()
    this.slider.value = step
    this.slider.disabled = walk.count < 2
    const possible = { first: step > 0, back: step > 0, forward: step < walk.count - 1, last: step < walk.count - 1 }
    for (const [action, can] of Object.entries(possible)) {
      // Not `disabled`: a button that loses the focus on the last step would lose the keys too.
      find(`[data-action=${action}]`).setAttribute("aria-disabled", String(!can))
    }
    const aligned = walk.part.alignment[step]
    const text = `Step ${number(step + 1)} of ${number(walk.count)}`
    this.slider.setAttribute("aria-valuetext", text)
    const component = walk.part.component[step]
    const rest = component < 0 ? "pinned" : `direction ${number(component)} · alignment ${decimals(aligned)}`
    find(".where").textContent = `${text} · ${rest}`
    this.drawBars()
    this.drawCards()
  }

  drawPlay() {
    const button = this.screen.find(".play")
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play")
    button.setAttribute("aria-pressed", String(Boolean(this.playing)))
  }

  // Bars from zero, one a step, or one a pixel where there are more steps: then the highest of them.
  drawBars() {
    const { walk, step } = this.screen
    const { alignment } = walk.part
    const { clientWidth: wide, clientHeight: high } = this.bars
    if (!wide) return
    const dpr = globalThis.devicePixelRatio || 1
    this.bars.width = wide * dpr
    this.bars.height = high * dpr
    const c = this.bars.getContext("2d")
    c.scale(dpr, dpr)
    const zero = high * (this.high / (this.high - this.low))
    const columns = Math.min(walk.count, wide)
    for (let column = 0; column < columns; column++) {
      const first = Math.floor((column * walk.count) / columns)
      const next = Math.floor(((column + 1) * walk.count) / columns)
      const here = step >= first && step < next
      const shown = here ? step : first
      const value = alignment[shown]
      const left = (column * wide) / columns
      const width = Math.max(1, wide / columns - (wide / columns > 3 ? 1 : 0))
      c.globalAlpha = here || shown <= step ? 1 : 0.35
      c.fillStyle = ORIGINS[walk.origin(shown)].colour
      const tall = Number.isNaN(value) ? 2 : (Math.abs(value) / (this.high - this.low)) * high
      c.fillRect(left, value < 0 ? zero : zero - tall, width, tall)
      if (here) {
        c.fillStyle = getComputedStyle(this.bars).color
        c.fillRect(left, 0, Math.max(2, width), 3)
        c.fillRect(left, high - 3, Math.max(2, width), 3)
      }
    }
  }

  drawCards() {
    const { step, walk, find } = this.screen
    const list = find(".cards")
    const room = Math.max(1, Math.floor(list.clientWidth / CARD_PX))
    const first = Math.max(0, Math.min(step - (room >> 1), walk.count - room))
    const steps = Array.from({ length: Math.min(room, walk.count) }, (_, place) => first + place)
    list.replaceChildren(...steps.map((near) => this.card(near)))
  }

  card(step) {
    const { screen } = this
    const { walk } = screen
    const origin = walk.origin(step)
    const sample = walk.sample(step)
    const card = element("li", "card")
    card.style.setProperty("--origin", ORIGINS[origin].colour)
    card.dataset.sample = sample
    if (step === screen.step) card.setAttribute("aria-current", "step")
    card.onclick = () => {
      this.pause()
      screen.go(step)
    }
    card.onpointerenter = () => screen.hover(sample)
    card.onpointerleave = () => screen.hover(null)
    const head = element("div", "head")
    head.append(this.badge(origin), element("span", "number", number(step + 1)), element("span", "row", `#${number(sample)}`))
    const words = element("div", "words", walk.lines.get(sample) ?? "…")
    words.dir = "auto"
    card.append(head, words)
    return card
  }

  mark(sample) {
    for (const card of this.screen.find(".cards").children) {
      card.classList.toggle("hovered", Number(card.dataset.sample) === sample)
    }
  }

  // How the steps of this walk came about.
  drawLegend() {
    const { walk, find } = this.screen
    const { origin, origins, meanings } = walk.part
    const present = new Set([...origin].map((code) => origins[code]))
    find(".strip .legend").replaceChildren(
      ...Object.keys(ORIGINS).filter((name) => present.has(name)).map((name) => {
        const entry = element("span", "entry")
        entry.append(this.badge(name), ` ${meanings[name].split(":")[0]}`)
        return entry
      }),
    )
  }

  badge(name) {
    const { colour, mark, letter } = ORIGINS[name]
    const meaning = this.screen.walk.part.meanings[name]
    const badge = element("span", "badge", `${mark} ${letter}`)
    badge.style.setProperty("--origin", colour)
    badge.title = meaning
    badge.setAttribute("role", "img")
    badge.setAttribute("aria-label", meaning)
    return badge
  }
}

// The extreme of a long list, as a list: too many arguments at once would overflow.
function extremes(values, pick) {
  return values.length ? [values.reduce((one, other) => pick(one, other))] : []
}
