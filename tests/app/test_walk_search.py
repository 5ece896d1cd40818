"""What the search of the walk's screen finds, and says where it finds nothing."""

from g2is.app.walk.search import found, nothing_found, row_asked


def test_a_number_is_that_instruction_and_words_are_looked_for(run):
    assert row_asked("#1,204") == 1204 and row_asked("12 coins") is None
    assert found(run, run.state, "#7").tolist() == [7]
    assert found(run, run.state, "250").tolist() == []
    assert found(run, run.state, "no such words").tolist() == []
    assert 7 in found(run, run.state, "question 7").tolist()


def test_nothing_found_says_why():
    assert nothing_found("#250", 250) == "There is no instruction 250: they are numbered 0 to 249."
    assert nothing_found("no such", 250) == "No instruction contains “no such”."
