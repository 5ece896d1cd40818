// How a walk came to a sample, by the names of `g2is.walk.ORIGINS`: how each is marked wherever a walk is shown.

import SYMBOLS from "../../figures/symbols.json"

const { pin, anchor, neighbor, fallback } = SYMBOLS

export const ORIGINS = { pin, anchor, neighbor, fallback }
