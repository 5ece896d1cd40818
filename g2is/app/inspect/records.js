// Records as they will be trained. All text is set as text: it comes from files.

import { element } from "../shared/dom.js"

export default function ({ data, parentElement }) {
  parentElement.querySelector(".records").replaceChildren(...data.records.map(record))
}

function record({ place, pieces }) {
  const node = element("article", "record")
  const body = element("div", "text")
  body.tabIndex = 0 // so that the keyboard scrolls it
  body.setAttribute("role", "group")
  body.setAttribute("aria-label", place)
  body.append(...pieces.map(piece))
  node.append(element("div", "place", place), body)
  return node
}

function piece([text, trained]) {
  if (trained === null) return element("span", "more", text)
  return trained ? element("mark", "trained", text) : element("span", "", text)
}
