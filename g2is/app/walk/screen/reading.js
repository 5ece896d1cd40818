// What is read in place of the step's instruction and its example, and the way back.

const NONE = -1 // no instruction

export class Reading {
  // screen: a Screen.
  constructor(screen) {
    this.screen = screen
    this.asked = null // an instruction that the reader asked about, shown in place of the step's
    this.before = [] // what was shown before that, back to the step
    this.compared = null // a node of the graph that is no instruction, shown in place of the example
    this.focus = null // the instruction in the URL, as Python was told, or told
    this.pending = [] // instructions that Python was asked about and has not answered yet
  }

  // The instruction that is read now.
  get shown() {
    return this.asked ?? this.screen.walk.sample(this.screen.step)
  }

  // An answer of Python, which may be to a question that was asked elsewhere: by a link, or another part of the page.
  receive(answer) {
    const { sample } = answer
    const { walk, step } = this.screen
    walk.answers.set(sample, answer)
    const own = this.pending.lastIndexOf(sample)
    this.pending.splice(0, own + 1)
    if (own >= 0 || sample === this.focus) return
    this.focus = sample
    if (sample !== walk.sample(step)) this.asked = sample
  }

  // Another walk: its steps are other ones.
  restart() {
    this.before = []
    this.compared = null
  }

  ask(sample) {
    if (sample !== this.asked) this.before.push(this.asked)
    this.show(sample)
  }

  // An instruction in place of the step's; null for that of the step again.
  show(sample) {
    this.asked = sample
    this.compared = null
    this.tell(sample)
    this.screen.draw()
  }

  // Has Python write it to the URL, and answer. null: none.
  tell(sample) {
    if (sample === this.focus) return
    this.focus = sample
    if (sample !== null) this.pending.push(sample)
    this.screen.raise("ask", sample ?? NONE)
  }

  // An instruction of the graph comes into focus, with its neighbourhood and its text.
  focusOn(sample) {
    const { screen } = this
    screen.strip.pause()
    if (sample === this.shown && this.compared === null) return
    if (sample !== screen.walk.sample(screen.step)) return this.ask(sample)
    if (this.asked !== null) this.before.push(this.asked)
    this.show(null)
  }

  // A validation example or a target direction of the graph: its text in place of the example asked for.
  compare(node) {
    const { screen } = this
    screen.strip.pause()
    this.compared = node
    screen.draw()
    const { name, text } = screen.graph.describe(node)
    screen.say(`${name}. ${text}`)
  }

  // To what was shown before this.
  backOnce() {
    if (this.compared !== null) {
      this.compared = null
      this.screen.draw()
    } else if (this.before.length) this.show(this.before.pop())
    else if (this.asked !== null) this.back()
  }

  // To the step.
  back() {
    this.forget()
    this.screen.search.close()
    this.screen.draw()
  }

  forget() {
    if (this.asked !== null) this.tell(null)
    this.asked = null
    this.restart()
  }
}
