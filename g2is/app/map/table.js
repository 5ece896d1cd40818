// The table below the map: what is found, set aside or taken, in the order that the reader chooses. A row and its dot
// are pointed at and opened together.

import { element, number } from "../shared/dom.js"

// map: a MapView, of which it uses channel, hover, open and focus.
export class Table {
  constructor(map) {
    this.map = map
    this.root = map.find(".table")
    this.rows = new Map()
  }

  // Of Python: title, columns as { name, label, order } and rows as { sample, values }.
  receive(part) {
    this.part = part
    this.rows.clear()
    this.root.hidden = !part.rows.length
    const head = element("tr")
    head.append(...part.columns.map((column) => this.headOf(column)))
    const body = element("tbody")
    body.append(...part.rows.map((row) => this.rowOf(row)))
    const table = element("table")
    const top = element("thead")
    top.append(head)
    table.append(top, body)
    const about = element("p", "about", part.title)
    this.root.replaceChildren(about, table)
    this.mark()
  }

  headOf({ name, label, order, sorted }) {
    const cell = element("th", name)
    cell.scope = "col"
    if (sorted) cell.setAttribute("aria-sort", sorted)
    if (!order) {
      cell.textContent = label
      return cell
    }
    const button = element("button", "sort", `${label}${{ ascending: " ▴", descending: " ▾" }[sorted] ?? ""}`)
    button.type = "button"
    button.title = `Sort by ${label}`
    button.onclick = () => this.map.channel.raise("sort", order)
    cell.append(button)
    return cell
  }

  rowOf({ sample, values }) {
    const row = element("tr")
    row.dataset.sample = sample
    row.append(...this.part.columns.map((column, place) => this.cellOf(sample, column, values[place])))
    row.onpointerenter = () => this.map.pointing.hover(sample)
    row.onpointerleave = () => this.map.pointing.hover(null)
    row.onclick = () => this.map.pointing.open(sample)
    this.rows.set(sample, row)
    return row
  }

  cellOf(sample, { name }, value) {
    const cell = element("td", name)
    if (name !== "sample") {
      cell.textContent = value ?? ""
      cell.dir = "auto"
      return cell
    }
    const button = element("button", "pick", number(sample))
    button.type = "button"
    cell.append(button)
    return cell
  }

  // Shows which rows are pointed at and in focus.
  mark() {
    const { pointed, focus } = this.map
    for (const [sample, row] of this.rows) {
      row.classList.toggle("pointed", sample === pointed)
      row.classList.toggle("focused", sample === focus)
    }
    const here = this.rows.get(focus)
    if (here && focus !== this.focused) scrollTo(this.root, here)
    this.focused = focus
  }
}

// Not `scrollIntoView`, which would move the page too.
function scrollTo(box, row) {
  const head = box.querySelector("thead").offsetHeight
  const above = row.offsetTop - head - box.scrollTop
  const below = row.offsetTop + row.offsetHeight - box.clientHeight - box.scrollTop
  if (above < 0) box.scrollTop += above
  else if (below > 0) box.scrollTop += below
}
