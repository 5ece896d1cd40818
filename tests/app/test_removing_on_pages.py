"""Instructions that are removed from the pool on a page, and come back."""

import shutil

import numpy as np
import pytest

from g2is.app.home.runs import table_of_runs
from g2is.pipeline.removing import remove_instructions, restore_instructions
from g2is.run.run import Run


@pytest.fixture
def copy(run, tmp_path) -> Run:
    return Run.open(shutil.copytree(run.folder, tmp_path / "tiny"))


def said(app) -> str:
    return " ".join(one.value for one in (*app.success, *app.info, *app.error, *app.warning, *app.markdown))


def test_what_is_found_is_removed_and_comes_back(copy, open_app):
    app = open_app("5_Instructions", folder=copy.folder.parent, search="Question 23")
    found = [23, *range(230, 240)]
    app.button(key="remove found").click().run()
    less = Run.open(copy.folder)
    assert np.flatnonzero(less.gone).tolist() == found and not app.exception
    assert "11 instructions are removed from the pool." in said(app) and "No instruction matches" in said(app)
    app.button(key="undo removal").click().run()
    assert not Run.open(copy.folder).gone.any() and "11 instructions are restored to the pool." in said(app)
    app.button(key="remove found").click().run()
    assert less.removals[0].note and "pool since" not in said(app)
    app.query_params.clear()
    app.query_params.update({"run": "tiny", "state": "gone"})
    app.run()
    assert "**11** removed from the pool" in said(
        app
    ) and "Removed from the pool: it is never selected" in said(app)
    assert not [button for button in app.button if button.key == "all into the basket"]
    app.button(key="remove read").click().run()
    assert np.flatnonzero(Run.open(copy.folder).gone).tolist() == found[1:]
    app.button(key="remove found").click().run()
    assert not Run.open(copy.folder).gone.any() and Run.open(copy.folder).state == copy.state


def test_home_counts_them_and_brings_them_back(copy, open_app):
    remove_instructions(copy.folder, [3, 4], note="by ![x](y) hand")
    app = open_app(folder=copy.folder.parent)
    pool = next(metric for metric in app.metric if metric.label == "Pool")
    assert pool.value == "248" and "2 more were removed" in pool.help
    assert next(metric for metric in app.metric if metric.label == "With a gradient").value == "247"
    assert any(caption.value.startswith("of 248 instructions, by 12 examples") for caption in app.caption)
    assert table_of_runs({"tiny": copy.folder})["pool"].tolist() == [248]
    remove_instructions(copy.folder, [5])
    app.run()
    assert "1 instruction was removed from the pool since." in said(app)
    button = next(button for button in app.button if str(button.key).startswith("restore removal 1"))
    button.click().run()
    assert np.flatnonzero(Run.open(copy.folder).gone).tolist() == [5]
    assert "2 instructions are restored to the pool." in said(app)
    app.button(key="undo removal").click().run()
    back = Run.open(copy.folder)
    assert np.flatnonzero(back.gone).tolist() == [3, 4, 5] and back.removals[-1].note == "by ![x](y) hand"
    next(button for button in app.button if str(button.key).startswith("restore removal 3")).click().run()
    assert np.flatnonzero(Run.open(copy.folder).gone).tolist() == [5]
    restore_instructions(copy.folder, [5])
    app.run()
    assert "1 instruction was restored to the pool since." in said(app)
    assert next(metric for metric in app.metric if metric.label == "Pool").value == "250"


@pytest.mark.parametrize(
    "page", ["4_Walk", "1_Map", "2_Neighbourhood", "3_Core_knowledge", "6_Compare", "7_Export"]
)
def test_every_page_opens_without_them(copy, open_app, page):
    copy.sets.write("mine", [3, 4, 5])
    less = remove_instructions(copy.folder, [3, 4, 20, 21])
    app = open_app(page, folder=copy.folder.parent, basket="3-6", focus="20")
    assert not app.exception and not app.error, [error.value for error in app.error]
    assert less.sets["mine"].rows.tolist() == [5]


def test_the_map_says_what_was_removed_with_a_way_back(copy, open_app):
    app = open_app("1_Map", folder=copy.folder.parent, basket="3-5")
    app.button(key="remove basket").click().run()
    assert np.flatnonzero(Run.open(copy.folder).gone).tolist() == [3, 4, 5]
    assert "3 instructions are removed from the pool." in said(app) and not app.warning
    app.button(key="undo removal").click().run()
    assert not Run.open(copy.folder).gone.any()
    assert app.session_state[f"basket of {copy.hash}"] == [3, 4, 5]
