// How a walk came to a sample, by the names of `g2is.walk.ORIGINS`: how each is marked wherever a walk is shown.
// The colours are Okabe and Ito's; each comes with a shape and a letter of its own.

export const ORIGINS = {
  pin: { colour: "#cc79a7", shape: "square", mark: "■", letter: "P", meaning: "pinned by you" },
  anchor: { colour: "#e69f00", shape: "diamond", mark: "◆", letter: "A", meaning: "anchor: closest to the target direction" },
  neighbor: { colour: "#56b4e9", shape: "circle", mark: "●", letter: "N", meaning: "neighbour of the instruction before" },
  fallback: { colour: "#009e73", shape: "triangle", mark: "▲", letter: "F", meaning: "best in pool" },
}
