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

// With two digits after the point, with more where it would read as zero and is not.
export function decimals(value) {
  const digits = [2, 3, 4, 5, 6].find((count) => Number(value.toFixed(count)) !== 0)
  return digits === undefined ? "0.00" : value.toFixed(digits)
}
