// The buttons that zoom a canvas and show all of it.

import { element } from "../dom.js"

const FACTOR = 1.5
const BUTTONS = [
  ["in", "+", "Zoom in", "Zoom in (+, or the wheel)", FACTOR],
  ["out", "−", "Zoom out", "Zoom out (−)", 1 / FACTOR],
  ["all", "All", "Show all", "Show all (0, or double-click between what is drawn)", null],
]

// Puts them at the beginning of a group of buttons. zoomBy: a function of a factor, or of null for all.
export function addZooms(group, zoomBy) {
  const buttons = BUTTONS.map(([name, text, label, title, factor]) => {
    const button = element("button", "", text)
    button.type = "button"
    button.dataset.zoom = name
    button.title = title
    button.setAttribute("aria-label", label)
    button.onclick = () => zoomBy(factor)
    return button
  })
  group.prepend(...buttons)
}
