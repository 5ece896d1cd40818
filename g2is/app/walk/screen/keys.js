// The keys of the screen. They also work before anything on the page has been clicked.

const PAGE = "body, .stMain, .stApp" // has the focus if no control has it
const TYPING = "input:not([type=range]), select, textarea"

// Returns a function that takes the listeners away again.
export function bindKeys(screen) {
  const { root } = screen
  const actions = {
    ArrowLeft: () => screen.strip.act("back"),
    ArrowRight: () => screen.strip.act("forward"),
    Home: () => screen.strip.act("first"),
    End: () => screen.strip.act("last"),
    " ": () => screen.strip.act("play"),
    p: () => screen.change("pin"),
    b: () => screen.change("ban"),
    "/": () => screen.map.focusFind(),
    "?": () => screen.toggleHelp(),
    Escape: () => screen.back(),
  }
  const press = (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (!actions[key] || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.target.matches?.(TYPING)) return
    const pressesButton = event.key === " " && event.target.closest?.("button, [role=button]")
    if (pressesButton) return
    event.preventDefault()
    event.stopPropagation()
    actions[key]()
  }
  const fromPage = (event) => event.target.matches?.(PAGE) && press(event)
  // A frame shows that they do: no other part of the page has the focus then.
  const focused = () => root.classList.toggle("listening", document.activeElement?.matches(PAGE) ?? true)
  // When the focus leaves one element, it has not yet reached the next.
  const blurred = () => setTimeout(focused)
  // Before the map, which has the arrow keys for itself elsewhere.
  root.addEventListener("keydown", press, { capture: true })
  document.addEventListener("keydown", fromPage)
  document.addEventListener("focusin", focused)
  document.addEventListener("focusout", blurred)
  focused()
  return () => {
    document.removeEventListener("keydown", fromPage)
    document.removeEventListener("focusin", focused)
    document.removeEventListener("focusout", blurred)
  }
}
