// The screen of the walk: one step moves map, texts, candidates and strip, without asking the server.
// Steps and rows count from 0, as in the trace; on the screen steps count from 1.

import { channel } from "../../shared/canvas/channel.js"
import { number } from "../../shared/dom.js"
import { WalkGraph } from "./graph.js"
import { bindKeys } from "./keys.js"
import { WalkMap } from "./map.js"
import { Reader } from "./reader.js"
import { addSkip } from "./skip.js"
import { Strip } from "./strip.js"
import { Walk } from "./walk.js"

const REST_MS = 250 // Python is told of a step after this long without another,
const MISSING_MS = 40 // sooner where its texts are not here,
const LONGEST_MS = 1000 // and while playing at least this often
const NONE = -1 // no instruction

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
    this.before = [] // what was shown before that, back to the step
    this.compared = null // a node of the graph that is no instruction, shown in place of the example
    this.hovered = null // the key of a node, see `graphs.js`
    this.ordered = null // the last order of Python to go to a step,
    this.target = null // and that step, until the reader moves on: the walk that has it may come later
    this.focus = null // the instruction in the URL, as Python was told, or told
    this.pending = [] // instructions that Python was asked about and has not answered yet
    this.basket = new Set()
    this.walk = new Walk()
    this.map = new WalkMap(this)
    this.graph = new WalkGraph(this)
    this.reader = new Reader(this)
    this.strip = new Strip(this)
    this.unbind = bindKeys(this)
    this.removeSkip = addSkip(this)
    for (const tab of root.querySelectorAll("[role=tab]")) tab.onclick = () => this.showTab(tab.dataset.tab)
    for (const button of root.querySelectorAll("[data-show]")) button.onclick = () => this.showTab(button.dataset.show)
    const zooms = { in: 1.5, out: 1 / 1.5, all: null }
    for (const button of root.querySelectorAll("[data-zoom]")) {
      button.onclick = () => this.zoomBy(zooms[button.dataset.zoom])
    }
    const find = this.find(".find")
    // A handler that returns false would keep the letter out of the box.
    find.onkeydown = (event) => {
      if (event.key !== "Enter") return
      this.map.goToOnlyHit = true
      this.raise("find", find.value)
    }
    // Emptied by its cross, or by Escape.
    find.oninput = () => {
      if (!find.value) this.raise("find", "")
    }
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
      if (picture !== this.picture) this.turnTo(picture)
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
      this.before = []
      this.compared = null
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
    this.map.showFound(part)
    if (!part.answer) return
    const { sample } = part.answer
    walk.answers.set(sample, part.answer)
    const own = this.pending.lastIndexOf(sample)
    this.pending.splice(0, own + 1)
    if (own >= 0 || sample === this.focus) return
    // Asked elsewhere: by a link, or by another part of the page.
    this.focus = sample
    if (sample !== walk.sample(this.step)) this.asked = sample
  }

  // What the reader does

  go(step) {
    const next = Math.max(0, Math.min(step, this.walk.count - 1))
    if (next === this.step && this.asked === null && this.compared === null) return
    this.step = next
    this.target = null
    this.forget()
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
    else this.ask(sample)
  }

  ask(sample) {
    if (sample !== this.asked) this.before.push(this.asked)
    this.show(sample)
  }

  // An instruction in place of the step's; null for that of the step again.
  show(sample) {
    this.asked = sample
    this.compared = null
    this.tell(sample)
    this.draw()
  }

  // Has Python write it to the URL, and answer. null: none.
  tell(sample) {
    if (sample === this.focus) return
    this.focus = sample
    if (sample !== null) this.pending.push(sample)
    this.raise("ask", sample ?? NONE)
  }

  // An instruction of the graph comes into focus, with its neighbourhood and its text.
  focusOn(sample) {
    this.strip.pause()
    if (sample === this.shown && this.compared === null) return
    if (sample !== this.walk.sample(this.step)) return this.ask(sample)
    if (this.asked !== null) this.before.push(this.asked)
    this.show(null)
  }

  // A validation example or a target direction of the graph: its text in place of the example asked for.
  compare(node) {
    this.strip.pause()
    this.compared = node
    this.draw()
    const { name, text } = this.graph.describe(node)
    this.say(`${name}. ${text}`)
  }

  // To what was shown before this.
  backOnce() {
    if (this.compared !== null) {
      this.compared = null
      this.draw()
    } else if (this.before.length) this.show(this.before.pop())
    else if (this.asked !== null) this.back()
  }

  back() {
    this.forget()
    this.map.hideHits()
    this.draw()
  }

  forget() {
    if (this.asked !== null) this.tell(null)
    this.asked = this.compared = null
    this.before = []
  }

  get answer() {
    return this.walk.answers.get(this.asked) ?? null
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
    if (this.picture === "graph") this.graph.draw()
    else this.map.drawHover()
    this.reader.mark(sample)
    this.strip.mark(sample)
  }

  // tab: a pane where there is room for one alone, or map or graph, of which one is in sight everywhere.
  showTab(tab) {
    const turns = this.turnTo(tab)
    if (turns) this.raise("picture", tab)
  }

  turnTo(tab) {
    const { root } = this
    root.dataset.tab = tab
    for (const button of root.querySelectorAll("[role=tab]")) {
      button.setAttribute("aria-selected", String(button.dataset.tab === tab))
    }
    const isPicture = tab === "map" || tab === "graph"
    if (!isPicture || tab === this.picture) return false
    root.dataset.picture = tab
    for (const button of root.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", String(button.dataset.show === tab))
    }
    this.map.resize()
    this.graph.view.resize()
    this.draw()
    return true
  }

  get picture() {
    return this.root.dataset.picture
  }

  zoomBy(factor) {
    const view = this.picture === "graph" ? this.graph : this.map
    if (factor) view.gestures.zoomBy(factor)
    else view.reset()
  }

  focusFind() {
    const find = this.find(".find")
    if (!find.offsetParent) this.showTab(this.picture)
    find.focus()
  }

  toggleHelp() {
    const help = this.find(".help")
    help.hidden = !help.hidden
    this.find("[data-action=help]").setAttribute("aria-expanded", String(!help.hidden))
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
