// The screen of the walk: one step moves map, texts, candidates and strip, without asking the server.
// Steps and rows count from 0, as in the trace; on the screen steps count from 1.

import { channel } from "../../shared/canvas/channel.js"
import { number } from "../../shared/dom.js"
import { whileHere } from "../../shared/leaving.js"
import { fit } from "./fit.js"
import { WalkGraph } from "./graph.js"
import { bindKeys } from "./keys.js"
import { WalkMap } from "./map.js"
import { Panes } from "./panes.js"
import { Reader } from "./reader.js"
import { Reading } from "./reading.js"
import { Search } from "./search.js"
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
  screen.report = whileHere(parentElement, (step) => setStateValue("step", step))
  screen.raise = whileHere(parentElement, setTriggerValue)
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
    this.hovered = null // the key of a node, see `graphs.js`
    this.ordered = null // the last order of Python to go to a step,
    this.target = null // and that step, until the reader moves on: the walk that has it may come later
    this.basket = new Set()
    this.walk = new Walk()
    this.reading = new Reading(this)
    this.panes = new Panes(this)
    this.search = new Search(this)
    this.map = new WalkMap(this)
    this.graph = new WalkGraph(this)
    this.reader = new Reader(this)
    this.strip = new Strip(this)
    this.unbind = bindKeys(this)
    this.removeSkip = addSkip(this)
    this.stopFitting = fit(root)
    this.channel = channel("walk")
    this.stopListening = this.channel.listen((kind) => this.receive(kind))
    for (const kind of ["points", "colours", "walk", "window", "reply", "whole"]) this.receive(kind)
    this.receiveGraphs()
  }

  close() {
    this.strip.pause()
    this.strip.close()
    this.map.close()
    this.graph.close()
    this.unbind()
    this.removeSkip()
    this.stopFitting()
    clearTimeout(this.resting)
    this.stopListening()
  }

  // What Python sent

  // A later rerun repeats an order, though the reader has moved on since.
  order({ step, picture, colour, schemes, order }) {
    if (this.ordered !== order) {
      this.ordered = order
      clearTimeout(this.resting)
      this.step = this.target = step
      if (picture !== this.picture) this.panes.turnTo(picture)
      this.map.colours.offer(schemes, colour)
    }
    this.draw()
  }

  receive(kind) {
    const part = this.channel.parts[kind]
    if (!part) return
    if (kind === "points") this.map.receivePoints(part)
    if (kind === "colours") this.map.colours.receive(part)
    if (kind === "walk") {
      this.walk.receive(part)
      this.receive("window")
      this.receiveGraphs()
      this.graph.readTheme()
      this.reading.restart()
      this.step = this.target ?? this.step
      this.receive("reply")
      this.strip.show()
    }
    if (kind === "window") this.walk.receiveWindow(part)
    if (kind === "reply") this.receiveReply(part)
    if (kind === "whole" && part.walk === this.walk.part?.walk) this.walk.receiveTexts(part)
    if (kind.startsWith("graph")) this.walk.receiveGraphs(part)
    this.draw()
  }

  receiveGraphs() {
    for (const kind of Object.keys(this.channel.parts)) if (kind.startsWith("graph")) this.receive(kind)
  }

  // A reply may be to another walk's question: then the one to this walk's is on its way.
  receiveReply(part) {
    const { walk } = this
    if (part.walk !== walk.part?.walk) return
    walk.receiveTexts(part)
    this.basket = new Set(part.basket)
    this.map.change()
    this.search.receive(part)
    if (part.answer) this.reading.receive(part.answer)
  }

  // What the reader does

  go(step) {
    const next = Math.max(0, Math.min(step, this.walk.count - 1))
    if (next === this.step && this.asked === null && this.compared === null) return
    this.step = next
    this.target = null
    this.reading.forget()
    this.draw()
    this.reportSoon()
  }

  reportSoon() {
    clearTimeout(this.resting)
    this.waiting ??= performance.now()
    const late = performance.now() - this.waiting > LONGEST_MS
    const rest = this.isHere() ? REST_MS : MISSING_MS
    this.resting = setTimeout(() => {
      this.waiting = null
      this.report(this.step)
    }, late ? 0 : rest)
  }

  // Whether all that is shown of the step has come.
  isHere() {
    const { walk, step } = this
    return walk.at(step) && (this.picture === "map" || walk.graphs.has(walk.sample(step)))
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
    else this.reading.ask(sample)
  }

  get asked() {
    return this.reading.asked
  }

  get compared() {
    return this.reading.compared
  }

  // The instruction that is read now.
  get shown() {
    return this.reading.shown
  }

  get picture() {
    return this.panes.picture
  }

  get answer() {
    return this.walk.answers.get(this.asked) ?? null
  }

  // how: pin, ban or basket.
  change(how) {
    this.raise("change", { how, sample: this.shown })
  }

  hover(sample) {
    if (sample === this.hovered) return
    this.hovered = sample
    if (this.picture === "graph") this.graph.draw()
    else this.map.drawHover()
    this.reader.mark(sample)
    this.strip.mark(sample)
  }

  draw() {
    this.readTheme()
    if (!this.walk.count) return
    this.step = Math.min(this.step, this.walk.count - 1)
    this.strip.draw()
    this.reader.draw()
    if (this.picture === "graph") this.graph.draw()
    else this.map.drawMarks()
    if (this.compared === null) this.announce()
    Object.assign(this.root.dataset, { step: this.step, asked: this.asked ?? "" })
  }

  // Streamlit says nothing of another theme.
  readTheme() {
    const paper = getComputedStyle(this.root).getPropertyValue("--st-background-color")
    if (paper === this.paper) return
    this.paper = paper
    this.map.readTheme()
    this.graph.readTheme()
  }

  // To a screen reader: step, text and reason, or the answer about an instruction; once, when both are known. Not while
  // it plays.
  announce() {
    const { walk, step, asked, shown } = this
    const reason = asked === null ? walk.at(step)?.reason : this.answer?.text
    const text = walk.lines.get(shown)
    if (this.strip.playing || !reason || !text) return
    const about = asked === null ? `Step ${number(step + 1)} of ${number(walk.count)}` : `Instruction ${number(asked)}`
    this.say(`${about}. ${text}. ${reason}`)
  }

  say(words) {
    const status = this.find(".status")
    if (status.textContent !== words) status.textContent = words
  }
}
