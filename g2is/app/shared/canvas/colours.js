// Colours are [red, green, blue], each from 0 to 255.

export function css(colour) {
  return `rgb(${colour.join(",")})`
}

// Any colour that CSS can write.
export function parse(text) {
  const c = new OffscreenCanvas(1, 1).getContext("2d")
  c.fillStyle = text
  c.fillRect(0, 0, 1, 1)
  return [...c.getImageData(0, 0, 1, 1).data.slice(0, 3)]
}

export function isDark(colour) {
  return colour[0] + colour[1] + colour[2] < 384
}

// What is not selected or has no value.
export function faint(paper, ink) {
  return paper.map((value, channel) => Math.round(value + 0.3 * (ink[channel] - value)))
}
