// The screen of the walk: one step moves map, texts, candidates and strip, without asking the server.
// Steps and rows count from 0, as in the trace; on the screen steps count from 1.

import { channel } from "../../shared/canvas/channel.js"
import { number } from "../../shared/dom.js"
import { bindKeys } from "./keys.js"
import { WalkMap } from "./map.js"
import { Reader } from "./reader.js"
import { addSkip } from "./skip.js"
import { Strip } from "./strip.js"
import { Walk } from "./walk.js"

const REST_MS = 250 // Python is told of a step after this long without another,
const MISSING_MS = 40 // sooner where its texts are not here,
const LONGEST_MS = 1000 // and while playing at least this often

const screens = new WeakMap()

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let screen = screens.get(parentElement)
  if (!screen) {
    screen = new Screen(parentElement.querySelector(".screen"))
    screens.set(parentElement, screen)
  }
  screen.report = (step) => setStateValue("step", step)
  screen.raise = setTriggerValue
  screen.order(data)
  return () => {
    screen.close()
    screens.delete(parentElement)
  }
}

class Screen {
  constructor(root) {
    this.root = root
    this.find = (name) => root.querySelector(name)
    this.step = 0
    this.asked = null // an instruction that the reader asked about, shown in place of the step's
    this.hovered = null
    this.ordered = null // the last order of Python to go to a step,
    this.target = null // and that step, until the reader moves on: the walk that has it may come later
    this.answer = null // of Python, to the last question
    this.basket = new Set()
    this.walk = new Walk()
    this.map = new WalkMap(this)
    this.reader = new Reader(this)
    this.strip = new Strip(this)
    this.unbind = bindKeys(this)
    this.removeSkip = addSkip(this)
    for (const tab of root.querySelectorAll("[role=tab]")) tab.onclick = () => this.showTab(tab.dataset.tab)
    const find = this.find(".find")
    find.onkeydown = (event) => event.key === "Enter" && this.raise("find", find.value)
    // Emptied by its cross, or by Escape.
    find.oninput = () => find.value || this.raise("find", "")
    this.channel = channel("walk")
    this.stopListening = this.channel.listen((kind) => this.receive(kind))
    for (const kind of ["points", "walk", "window", "reply"]) this.receive(kind)
  }

  close() {
    this.strip.pause()
    this.strip.close()
    this.map.close()
    this.unbind()
    this.removeSkip()
    clearTimeout(this.resting)
    this.stopListening()
  }

  // What Python sent

  // A later rerun repeats an order, though the reader has moved on since.
  order({ step, order }) {
    this.map.readTheme()
    if (this.ordered !== order) {
      this.ordered = order
      clearTimeout(this.resting)
      this.step = this.target = step
    }
    this.draw()
  }

  receive(kind) {
    const part = this.channel.parts[kind]
    if (!part) return
    if (kind === "points") this.map.receivePoints(part)
    if (kind === "walk") {
      this.walk.receive(part)
      this.receive("window")
      this.asked = null
      this.step = this.target ?? this.step
      this.strip.show()
    }
    if (kind === "window") this.walk.receiveWindow(part)
    if (kind === "reply") this.receiveReply(part)
    this.draw()
  }

  receiveReply(part) {
    this.walk.receiveTexts(part)
    this.basket = new Set(part.basket)
    const answer = (this.answer = part.answer ?? null)
    // Not again what the reader has stepped on from.
    const isNew = answer?.sample !== this.answered
    this.answered = answer?.sample
    if (answer && isNew && answer.sample !== this.walk.sample(this.step)) this.asked = answer.sample
    this.map.showFound(part)
  }

  // What the reader does

  go(step) {
    const next = Math.max(0, Math.min(step, this.walk.count - 1))
    if (next === this.step && this.asked === null) return
    this.step = next
    this.asked = this.target = null
    this.draw()
    this.reportSoon()
  }

  reportSoon() {
    clearTimeout(this.resting)
    this.waiting ??= performance.now()
    const late = performance.now() - this.waiting > LONGEST_MS
    const rest = this.walk.at(this.step) ? REST_MS : MISSING_MS
    this.resting = setTimeout(() => {
      this.waiting = null
      this.report(this.step)
    }, late ? 0 : rest)
  }

  // An instruction, or a validation example that counts from -1 down, was clicked.
  open(sample) {
    this.strip.pause()
    if (sample < 0) {
      const step = this.walk.firstFor(-1 - sample)
      if (step >= 0) this.go(step)
      return
    }
    const step = this.walk.stepOf(sample)
    if (step >= 0) this.go(step)
    else this.ask(sample)
  }

  ask(sample) {
    this.asked = sample
    if (this.answer?.sample !== sample) {
      this.answer = null
      this.raise("ask", sample)
    }
    this.draw()
  }

  back() {
    this.asked = null
    this.map.hideHits()
    this.draw()
  }

  // how: pin, ban or basket.
  change(how) {
    this.raise("change", { how, sample: this.shown })
  }

  // The instruction that is read now.
  get shown() {
    return this.asked ?? this.walk.sample(this.step)
  }

  hover(sample) {
    if (sample === this.hovered) return
    this.hovered = sample
    this.map.drawMarks()
    this.reader.mark(sample)
    this.strip.mark(sample)
  }

  showTab(tab) {
    this.root.dataset.tab = tab
    for (const button of this.root.querySelectorAll("[role=tab]")) {
      button.setAttribute("aria-selected", String(button.dataset.tab === tab))
    }
    this.map.resize()
  }

  toggleHelp() {
    const help = this.find(".help")
    help.hidden = !help.hidden
    this.find("[data-action=help]").setAttribute("aria-expanded", String(!help.hidden))
  }

  draw() {
    if (!this.walk.count) return
    this.step = Math.min(this.step, this.walk.count - 1)
    this.strip.draw()
    this.reader.draw()
    this.map.drawMarks()
    this.announce()
    Object.assign(this.root.dataset, { step: this.step, asked: this.asked ?? "" })
  }

  // To a screen reader: step, text and reason, or the answer about an instruction; once, when both are known. Not while
  // it plays.
  announce() {
    const { walk, step, asked, shown } = this
    const reason = asked === null ? walk.at(step)?.reason : this.answer?.text
    const text = walk.lines.get(shown)
    if (this.strip.playing || !reason || !text) return
    const about = asked === null ? `Step ${number(step + 1)} of ${number(walk.count)}` : `Instruction ${number(asked)}`
    const words = `${about}. ${text}. ${reason}`
    const status = this.find(".status")
    if (status.textContent !== words) status.textContent = words
  }
}
