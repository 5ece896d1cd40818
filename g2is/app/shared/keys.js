// Keys of a part of the page, which also work before anything on the page has been clicked, and after a button has been:
// it has no keys but those that press it. A popover, which has the focus back on its button when it closes, is closed.

const PAGE = "body, .stMain, .stApp" // has the focus if no control has it
const BUTTON = "button:not([role], [aria-expanded=true])"
const OVERLAY = "[role=dialog], [role=listbox], [role=menu]"
const TYPING = "input:not([type=range]), select, textarea"
const PRESSES = [" ", "Enter"]
const SLIDES = ["ArrowUp", "ArrowDown"]

// root: the part. actionOf(key): what a key does, or nothing. Single characters are in lower case. Returns a function
// that takes the listeners away again.
export function listenToKeys(root, actionOf) {
  const press = (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const action = actionOf(key)
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.target.matches?.(TYPING) || event.target.closest?.("[role=listbox]")) return
    // What a control does with a key of its own, it goes on doing.
    if (PRESSES.includes(key) && event.target.closest?.("button, [role=button]")) return
    if (SLIDES.includes(key) && event.target.matches?.("input")) return
    event.preventDefault()
    event.stopPropagation()
    action()
  }
  const hears = (element) => element.matches?.(PAGE) || (element.matches?.(BUTTON) && !element.closest(OVERLAY))
  const fromPage = (event) => hears(event.target) && press(event)
  // A frame shows that they do: no other part of the page has these keys for itself then.
  const focused = () => root.classList.toggle("listening", hears(document.activeElement ?? document.body))
  // When the focus leaves one element, it has not yet reached the next.
  const blurred = () => setTimeout(focused)
  // Before the canvas, which has some of the keys for itself.
  root.addEventListener("keydown", press, { capture: true })
  document.addEventListener("keydown", fromPage)
  document.addEventListener("focusin", focused)
  document.addEventListener("focusout", blurred)
  focused()
  return () => {
    root.removeEventListener("keydown", press, { capture: true })
    document.removeEventListener("keydown", fromPage)
    document.removeEventListener("focusin", focused)
    document.removeEventListener("focusout", blurred)
  }
}
