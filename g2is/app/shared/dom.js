// Small helpers for elements of the page.

// The text is set as text, never as HTML, so that instructions are shown character by character.
export function element(tag, className = "", text = "") {
  const node = document.createElement(tag)
  node.className = className
  node.textContent = text
  return node
}

export function number(value) {
  return value.toLocaleString("en-US")
}
