"""The list of changes behind undo, redo and the browser's Back."""

from g2is.app.shared.timeline import DONE, Timeline


def url(**values: str) -> dict[str, list[str]]:
    return {name: [value] for name, value in values.items()}


def test_changes_of_settings_are_undone_and_redone_in_order():
    line = Timeline(url(count="60"))
    line.note(url(count="60", focus="3"))
    assert line.last is None, "what is looked at is no change"
    line.note(url(count="60", orient="True"))
    line.note(url(count="60", orient="True", pins="3"))
    assert line.undo().before == url(count="60", orient="True")
    assert line.undo().before == url(count="60")
    assert line.undo() is None
    assert line.redo().after == url(count="60", orient="True")
    line.note(url(count="60", orient="True"))
    assert line.next is not None, "the URL that redo makes is none"
    line.note(url(count="60"))
    assert line.next is None and line.place == 2, "a new change takes the place of what was undone"


def test_ticks_without_a_pause_are_one_change():
    line = Timeline({})
    for delta in ("0.79", "0.78", "0.77"):
        line.note(url(delta=delta))
    assert len(line.changes) == 1 and line.last.before == {} and line.last.after == url(delta="0.77")
    line.note(url(delta="0.76"), pauses=1)
    line.note(url(delta="0.75"), pauses=1)
    assert len(line.changes) == 2, "after a pause, which the browser counts"
    line.note(url(delta="0.75", count="60"))
    assert len(line.changes) == 3, "another setting"
    line.note(url(delta="0.75", count="60", pins="1"))
    line.note(url(delta="0.75", count="60", pins="1, 2"))
    assert len(line.changes) == 5, "no ticks"
    line = Timeline(url(delta="0.8"))
    line.note(url(delta="0.7"))
    line.note(url(delta="0.8"))
    assert line.last is None, "back where it began"
    line.note(url(delta="0.7"))
    line.note(url(delta="0.6"), pauses=1)
    line.undo()
    line.note(url(delta="0.5"), pauses=1)
    assert line.place == 2, "what follows Undo is a change of its own"


def test_back_in_the_browser_goes_to_a_place_of_the_same_list():
    line = Timeline({})
    for pins in ("1", "2", "3"):
        line.note(url(pins=pins))
    line.note(url(pins="1"), back=True)
    assert line.place == 1 and line.next.after == url(pins="2")
    line.note(url(pins="3"), back=True)
    assert line.place == 3 and line.next is None
    line.note({}, back=True)
    assert line.place == 0 and len(line.changes) == 3
    line.note(url(pins="9"), back=True)
    assert line.place == 1 and line.next is None, "a state that is not of this session"


def test_what_the_url_does_not_hold_is_restored_by_those_who_did_it():
    basket: list[int] = []
    line = Timeline(url(pins="1"))
    basket.append(3)
    number = line.did("set #3 aside", basket.clear, lambda: basket.append(3))
    line.note(url(pins="1", **{DONE: number}))
    line.note(url(pins="2", **{DONE: number}))
    line.undo()
    assert basket == [3]
    assert line.undo().label == "set #3 aside" and not basket
    line.note(url(pins="2", **{DONE: number}), back=True)
    assert basket == [3] and line.next is None
    line.note(url(pins="1"), back=True)
    assert not basket
    again = line.did("set #4 aside", basket.clear, basket.clear)
    assert again != number, "an older URL must not stand for something new"


def test_numbers_of_another_session_are_not_used_again():
    line = Timeline(url(**{DONE: "7"}))
    assert line.did("delete a set", lambda: None, lambda: None) == "8"


def test_a_change_knows_the_step_where_it_was_made():
    line = Timeline({}, step=["4"])
    line.note(url(step="4"), step=["9"])
    line.note(url(step="9", delta="0.7"), step=["9"])
    assert line.last.step == ["9"]
    line.note(url(delta="0.6"), step=None, pauses=1)
    line.note(url(delta="0.5"), pauses=2)
    assert line.last.step is None


def test_what_stood_in_the_url_beside_a_change_is_part_of_it():
    line = Timeline(url(pins="1", pin_sets="low"))
    new = {"pin_sets": ["lower"], "selection": ["set:lower"], "within": None}
    was = url(pin_sets="low", selection="set:low", within="set:low", focus="3")
    number = line.did("rename", lambda: None, lambda: None, url=new, was=was)
    assert line.now == url(pins="1", pin_sets="lower", **{DONE: number}) and len(line.changes) == 1
    assert line.last.beside == {
        "selection": (["set:low"], ["set:lower"]),
        "within": (["set:low"], None),
    }
    assert line.undo().before == url(pins="1", pin_sets="low") == line.now
