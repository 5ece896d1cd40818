// The categories of a legend: the largest, those that were picked, and a list of all of them that can be searched.

import { css } from "./colours.js"
import { element, number } from "../dom.js"

// swatch: a function that draws { shape, fill }. only: codes that were picked; pale: the CSS colour of the others then.
// list: { open, words }, which is changed here. press(code): one was pressed. clear(): none shall be picked. redraw():
// the legend changes.
export function categories(colouring, { swatch, pale, only, list, press, clear, redraw }) {
  const { entries, coloured } = colouring.part
  const few = entries.length <= coloured + 1
  const entryOf = (code) => {
    const { name, count } = entries[code]
    const button = element("button", "entry")
    button.type = "button"
    button.title = `${name}: ${number(count)} instructions. Press to grey out the others.`
    button.dataset.code = code
    button.setAttribute("aria-pressed", String(only.has(code)))
    const off = only.size > 0 && !only.has(code)
    const mark = swatch({ shape: colouring.shapes[code], fill: off ? pale : css(colouring.colour(code)) })
    button.append(mark, element("span", "named", name), element("span", "counted", number(count)))
    button.onclick = () => press(code)
    return button
  }
  const line = inLine(colouring, only).map(entryOf)
  if (!few) line.push(opener(colouring.part, list, redraw))
  if (only.size) {
    const all = element("button", "entry clear", "Show all")
    all.type = "button"
    all.onclick = clear
    line.push(all)
  }
  if (!few && list.open) line.push(panel(entries, entryOf, list))
  return line
}

// The codes that the line itself shows; `smaller` sums up the others.
export function inLine({ part: { entries, coloured } }, only) {
  const few = entries.length <= coloured + 1
  return entries.map((_, code) => code).filter((code) => few || code < coloured || only.has(code))
}

export function smaller({ entries, coloured }) {
  const others = entries.length <= coloured + 1 ? [] : entries.slice(coloured)
  return { name: `${number(others.length)} smaller ones`, count: others.reduce((sum, entry) => sum + entry.count, 0) }
}

function opener(part, list, redraw) {
  const { name, count } = smaller(part)
  const button = element("button", "entry more")
  button.type = "button"
  button.dataset.code = "more"
  button.setAttribute("aria-expanded", String(list.open))
  button.append(
    element("span", "named", `${name} ${list.open ? "▴" : "▾"}`),
    element("span", "counted", number(count)),
  )
  button.onclick = () => {
    list.open = !list.open
    redraw()
  }
  return button
}

function panel(entries, entryOf, list) {
  const box = element("div", "all")
  const find = element("input", "find-category")
  find.type = "search"
  find.placeholder = `find among ${number(entries.length)}`
  find.setAttribute("aria-label", "Find a category")
  find.value = list.words
  const found = element("div", "found-categories")
  const fill = () => {
    list.words = find.value
    const words = find.value.toLowerCase()
    const codes = entries.map((_, code) => code).filter((code) => entries[code].name.toLowerCase().includes(words))
    found.replaceChildren(...(codes.length ? codes.map(entryOf) : [element("span", "none", "none of this name")]))
  }
  find.oninput = fill
  fill()
  box.append(find, found)
  return box
}
