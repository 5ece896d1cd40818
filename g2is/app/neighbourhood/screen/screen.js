// The Neighbourhood page: the graph, and beside it the text in focus and that of the node pointed at or chosen.

import { channel } from "../../shared/canvas/channel.js"
import { addZooms } from "../../shared/canvas/zooms.js"
import { decimals, element, number } from "../../shared/dom.js"
import { labelOf, readGraphs } from "../../shared/graph/graphs.js"
import { graphLegend } from "../../shared/graph/legend.js"
import { relationOf } from "../../shared/graph/marks.js"
import { GraphView } from "../../shared/graph/view.js"
import { listenToKeys } from "../../shared/keys.js"
import { whileHere } from "../../shared/leaving.js"

const ZOOM = 1.5
const SAID = 160 // characters of a text, to a screen reader

const screens = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  let screen = screens.get(parentElement)
  if (!screen) {
    screen = new Screen(parentElement.querySelector(".hood"))
    screens.set(parentElement, screen)
  }
  screen.raise = whileHere(parentElement, setTriggerValue)
  screen.readTheme()
  return () => {
    screen.close()
    screens.delete(parentElement)
  }
}

class Screen {
  constructor(root) {
    this.root = root
    this.find = (name) => root.querySelector(name)
    this.hovered = this.chosen = null // keys of nodes
    this.view = new GraphView(this.find(".stage"), this)
    addZooms(this.find(".zooms"), (factor) => this.zoomBy(factor))
    this.find(".path").onclick = () => this.raise("path", !this.part?.path)
    const actions = {
      ArrowUp: () => this.next(-1),
      ArrowLeft: () => this.next(-1),
      ArrowDown: () => this.next(1),
      ArrowRight: () => this.next(1),
      Enter: () => this.view.enter(),
      Backspace: () => this.raise("back", true),
      Escape: () => this.escape(),
      "+": () => this.zoomBy(ZOOM),
      "=": () => this.zoomBy(ZOOM),
      "-": () => this.zoomBy(1 / ZOOM),
      0: () => this.zoomBy(null),
    }
    this.unbind = listenToKeys(root, (key) => actions[key])
    this.channel = channel("neighbourhood")
    this.stopListening = this.channel.listen(() => this.receive())
    this.receive()
  }

  close() {
    this.view.close()
    this.unbind()
    this.stopListening()
  }

  receive() {
    const part = (this.part = this.channel.parts.graph)
    if (!part) return
    this.graph = readGraphs(part).get(part.focus) ?? null
    this.chosen = part.chosen
    if (!this.graph?.byKey.has(this.hovered)) this.hovered = null
    this.leaks = new Set(part.leaks)
    const button = this.find(".path")
    button.setAttribute("aria-pressed", String(Boolean(part.path)))
    this.find(".found").textContent = part.pathText
    this.drawLegend()
    this.draw()
  }

  readTheme() {
    this.view.readTheme()
    if (this.part) this.drawLegend()
    this.draw()
  }

  drawLegend() {
    const { graph, part } = this
    const present = new Set(graph?.nodes.map((node) => node.relation))
    const names = [...present, ...(part.path ? ["path"] : []), ...(part.leaks.length ? ["leak"] : [])]
    const grey = Object.keys(part.colours).length > 0
    this.find(".marks").replaceChildren(...graphLegend(names, { ...this.view.theme, grey }))
  }

  draw() {
    if (!this.part) return
    const { part, graph, hovered, chosen, leaks } = this
    const label = ({ key, relation }) => {
      if (relation === "focus" || key === chosen) return labelOf(key)
      return part.labels[key] ?? ""
    }
    const marks = {
      label,
      hovered,
      chosen,
      path: part.path,
      leaked: ({ key }) => leaks.has(key),
      fill: ({ key }) => part.colours[key],
    }
    this.view.show(graph, marks, "It has no gradient, so it has no neighbours.")
    const focus = graph?.byKey.get(part.focus)
    this.find(".focus").replaceChildren(...(focus ? this.textOf(focus) : []))
    const other = graph?.byKey.get(hovered === part.focus ? chosen : (hovered ?? chosen))
    const hint = "Point at a node, or go to one by the arrow keys, to read it here. A click on an instruction goes there."
    this.find(".other").replaceChildren(...(other && other !== focus ? this.textOf(other) : [element("p", "hint", hint)]))
    this.root.dataset.focus = part.focus
  }

  textOf(node) {
    const { part } = this
    const { key, relation } = node
    const { name, what } = this.describe(node)
    const isInstruction = key === node.row
    const text = this.sent(node)
    const head = element("div", "head")
    head.append(element("b", "", name), element("span", "", what))
    if (isInstruction && relation !== "focus") head.append(this.button("Go there", () => this.open(node)))
    if (key === this.chosen) head.append(this.button("Close", () => this.escape()))
    head.append(element("span", "from", text.from))
    const notes = [element("div", "note", part.notes[key] ?? "")]
    if (part.warnings[key]) notes.push(element("div", "note leak", part.warnings[key]))
    const parts = [element("p", "prompt", text.prompt || "(empty)"), element("p", "response", text.response || "(empty)")]
    for (const one of parts) one.dir = "auto"
    return [head, ...notes, ...parts]
  }

  button(text, act) {
    const button = element("button", "", text)
    button.type = "button"
    button.onclick = act
    return button
  }

  // Of a target direction, the text of the example closest to it.
  sent({ key, row, relation }) {
    const { texts, examples, directions } = this.part
    return key === row ? texts[row] : examples[relation === "component" ? directions[row] : row]
  }

  next(by) {
    this.view.next(by)
    const node = this.graph?.byKey.get(this.hovered)
    if (!node) return
    const { name, what } = this.describe(node)
    this.find(".status").textContent = `${name}. ${what}. ${this.sent(node).prompt.slice(0, SAID)}`
  }

  zoomBy(factor) {
    if (factor) this.view.gestures.zoomBy(factor)
    else this.view.reset()
  }

  // What GraphView asks of its owner

  hover(key) {
    if (key === this.hovered) return
    this.hovered = key
    this.draw()
  }

  // An instruction comes into focus, of which Python sends the neighbourhood; of any other node the text stays.
  open(node) {
    if (node.relation === "focus") return
    this.chosen = node.key
    this.draw()
    if (node.key === node.row) this.raise("go", node.row)
    else this.raise("choose", nodeName(node))
  }

  escape() {
    this.hovered = null
    if (this.chosen !== null) this.raise("choose", "")
    this.chosen = null
    this.draw()
  }

  describe({ key, relation, cosine }) {
    const what = relation === "focus" ? relationOf(relation) : `${relationOf(relation)}, cosine ${decimals(cosine)}`
    return { name: nameOf(key), what, text: "" }
  }
}

function nameOf(key) {
  return key >= 0 ? `Instruction ${number(key)}` : key < 0 ? `Validation example ${number(-1 - key)}` : labelOf(key)
}

// As the URL has it.
function nodeName({ row, relation }) {
  return `${relation}-${row}`
}
