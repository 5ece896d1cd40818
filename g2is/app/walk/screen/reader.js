// The reader: the example asked for and the instruction taken, side by side, and what else the step considered.

import { decimals, element, number } from "../../shared/dom.js"

const VERDICTS = {
  chosen: ["✔", "taken"],
  next: ["○", "next"],
  tied: ["=", "tied"],
  taken: ["–", "taken before"],
  left_out: ["–", "left out"],
  conflict: ["✕", "conflict"],
  consistency: ["✕", "consistency"],
  redundant: ["✕", "too similar"],
}

export class Reader {
  constructor(screen) {
    this.screen = screen
  }

  draw() {
    const { screen } = this
    const { walk, step, asked, find } = screen
    const shown = walk.at(step)
    const example = asked === null ? walk.example(step) : (screen.answer?.example ?? null)
    this.drawReason(shown)
    find("article.example").replaceChildren(...(screen.compared ? this.comparedText() : this.exampleText(example)))
    find("article.taken").replaceChildren(...this.takenText())
    find(".rules").textContent = asked === null ? (shown?.rules ?? "") : ""
    this.drawActions()
    const rows = shown?.considered ?? []
    const items = rows.map((row) => this.row(row))
    const taken = rows.findIndex((row) => row.verdict === "chosen")
    if (shown?.unlisted) items.splice(taken, 0, element("li", "more", `… ${number(shown.unlisted)} more were rejected`))
    find(".list").replaceChildren(...items)
  }

  drawReason(shown) {
    const { walk, step, asked, answer, find } = this.screen
    const reason = find(".reason")
    const head = element("b", "", asked === null ? `Step ${number(step + 1)} of ${number(walk.count)}` : `#${number(asked)}`)
    if (asked === null) {
      const cosine = shown?.cosine ?? null
      const value = element("span", "cosine", cosine === null ? "" : `cosine ${decimals(cosine)}`)
      reason.replaceChildren(head, element("span", "why", shown?.reason ?? "…"), value)
    } else {
      const back = element("button", "back", `Back to step ${number(step + 1)}`)
      back.type = "button"
      back.onclick = () => this.screen.reading.back()
      reason.replaceChildren(head, element("span", "why", answer?.text ?? "…"), ...this.itsStep(asked), back)
    }
    reason.classList.toggle("asked", asked !== null)
  }

  // A button that goes to the step that took an instruction, if one did.
  itsStep(sample) {
    const step = this.screen.walk.stepOf(sample)
    if (step < 0) return []
    const button = element("button", "its-step", `Go to step ${number(step + 1)}`)
    button.type = "button"
    button.onclick = () => this.screen.go(step)
    return [button]
  }

  // Of a node of the graph that is no instruction.
  comparedText() {
    const { walk, compared } = this.screen
    const { relation, row } = compared
    const example = relation === "component" ? walk.part.examples[row] : row
    const title = relation === "component" ? `Direction ${number(row)}, closest to example ${number(example)}` : `Example ${number(example)}`
    const head = element("h2", "", title)
    const close = element("button", "close", "Close")
    close.type = "button"
    close.onclick = () => this.screen.reading.backOnce()
    head.append(close)
    return [head, ...this.textOf("examples", example)]
  }

  exampleText(example) {
    if (example === null) return [element("h2", "", "No example"), element("p", "", "It belongs to no direction.")]
    const title = this.screen.asked === null ? `Example ${number(example)} asks` : `Closest: example ${number(example)}`
    return [element("h2", "", title), ...this.textOf("examples", example)]
  }

  takenText() {
    const { walk, asked, shown } = this.screen
    const title = asked === null ? `Taken #${number(shown)}` : `Asked about #${number(shown)}`
    const text = walk.texts.get(shown)
    const head = element("h2", "", title)
    if (text) head.append(element("span", "from", ` ${text.from}`))
    return [head, ...this.textOf("texts", shown)]
  }

  drawActions() {
    const { screen } = this
    const { pins, bans } = screen.walk.part
    const { shown } = screen
    const aside = screen.basket.has(shown)
    const buttons = [
      ["pin", pins.includes(shown) ? "Unpin" : "Pin", "Pin: in the walk whatever the rules say (P)"],
      ["ban", bans.includes(shown) ? "Allow" : "Ban", "Ban: out of the walk (B)"],
      ["basket", aside ? "Put back" : "Set aside", "Into the basket, or out of it"],
    ].map(([how, label, title]) => {
      const button = element("button", how, label)
      button.type = "button"
      button.title = title
      button.onclick = () => screen.change(how)
      return button
    })
    screen.find(".actions").replaceChildren(element("span", "about", `#${number(shown)}`), ...buttons)
  }

  row({ sample, verdict, why, cosine, previous }) {
    const { screen } = this
    const [mark, rule] = VERDICTS[verdict]
    const item = element("li", `row ${verdict}`)
    item.dataset.sample = sample
    const button = element("button", "pick")
    button.type = "button"
    const text = element("span", "words", screen.walk.lines.get(sample) ?? "…")
    text.dir = "auto"
    button.append(
      element("span", "mark", mark),
      element("span", "number", `#${number(sample)}`),
      element("span", "cosine", cosine === null ? "" : decimals(cosine)),
      text,
      element("span", "why", verdict === "chosen" ? "taken" : why),
    )
    button.setAttribute("aria-label", `Instruction ${sample}, ${rule}: ${why}`)
    button.title = previous === null ? why : `${why}; cosine to the one before: ${decimals(previous)}`
    button.onclick = () => (verdict === "chosen" ? screen.reading.back() : screen.reading.ask(sample))
    item.onpointerenter = () => screen.hover(sample)
    item.onpointerleave = () => screen.hover(null)
    item.append(button)
    return item
  }

  // Prompt and answer character by character, of a very long one the beginning and a button for all.
  textOf(kind, row) {
    const text = this.screen.walk[kind].get(row)
    if (!text) return [element("p", "waiting", "…")]
    const parts = [element("p", "prompt", text.prompt || "(empty)"), element("p", "response", text.response || "(empty)")]
    for (const part of parts) part.dir = "auto"
    if (!text.all) return parts
    const button = element("button", "whole", `Show all ${number(text.all)} characters`)
    button.type = "button"
    button.onclick = () => this.screen.raise("whole", { kind, row })
    return [...parts, button]
  }

  mark(sample) {
    for (const row of this.screen.find(".list").children) {
      row.classList.toggle("hovered", Number(row.dataset.sample) === sample)
    }
  }
}
