// How each dot of a pool is drawn: hidden, pale or in its colour, and whether there is a frame around it.

import { FRAMED, HIDDEN, PALE, SHOWN } from "./dots.js"

// places: a Places. colouring: a Colouring. only: codes of the legend entries that were picked, all if there are none.
// matches: a bit a sample, what a search or a filter found, or null. basket: the same for what is framed. alone: hide
// what is not highlighted; without a filter, what is not framed.
export function statesOf(places, colouring, { only, matches, basket, alone }) {
  const { codes } = colouring
  const { missing } = colouring.part
  const { x, nowhere } = places
  const framesAlone = alone && !matches && !only.size
  const states = new Uint8Array(codes.length)
  for (let sample = 0; sample < states.length; sample++) {
    if (x[sample] === nowhere) continue
    const code = codes[sample]
    const framed = basket !== null && (basket[sample >> 3] >> (sample & 7)) & 1
    const found = matches === null || (matches[sample >> 3] >> (sample & 7)) & 1
    const wanted = framesAlone ? framed : found && (!only.size || only.has(code))
    // What was found is highlighted even where it has no value.
    const state = !wanted ? (alone ? HIDDEN : PALE) : code === missing && matches === null ? PALE : SHOWN
    states[sample] = framed && state !== HIDDEN ? state | FRAMED : state
  }
  return states
}

// The samples that are highlighted: shown in their colours, or framed where nothing else is.
export function highlighted(states, { matches, only }) {
  const wanted = matches || only.size ? (state) => (state & 3) === SHOWN : (state) => state & FRAMED
  const samples = []
  states.forEach((state, sample) => wanted(state) && samples.push(sample))
  return samples
}
