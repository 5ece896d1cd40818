"""The Core knowledge page: its numbers are the core knowledge's, and the table chooses what is shown."""

import numpy as np
import pytest
from playwright.sync_api import expect

from g2is.analysis import walks
from g2is.analysis.core import spectrum_of
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.figures.core import spectrum_figure
from tests.app.conftest import settle

PAGE = "3_Core_knowledge"
PRINCIPAL = {"view": "directions", "preset": "official", "count": "60", "regime": "sgd", "center": "False"}
FACETS = {"view": "directions", "preset": "recommended", "facets_by": "number", "count": "60"}


def principal(**changes):
    return walk_preset("official", count=60, regime="sgd", center=False, **changes)


def metric(app, label):
    return next(metric.value for metric in app.metric if metric.label == label)


def table(app, column):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def test_components_and_their_budgets(open_app, run):
    app = open_app(PAGE, **PRINCIPAL)
    parameters = principal()
    knowledge, trace = walks.core_knowledge(run, parameters), walks.walk(run, parameters)
    shown = table(app, "mean alignment")
    assert shown["budget"].tolist() == trace.budgets.tolist()
    assert shown["weight"].to_numpy() == pytest.approx(knowledge.weights)
    assert shown["mean alignment"].to_numpy() == pytest.approx(knowledge.mean_alignment)
    assert metric(app, "Budget") == str(trace.budgets[0])
    away = int((knowledge.mean_alignment < 0).sum())
    assert app.warning[0].value.startswith(f"{away} of {len(knowledge)} directions point away")


def test_next_component_and_its_examples(open_app, run):
    app = open_app(PAGE, **PRINCIPAL)
    next(button for button in app.button if button.label == "Next direction").click().run()
    assert app.query_params["component"] == "1"
    knowledge = walks.core_knowledge(run, principal())
    order = np.argsort(-knowledge.loadings[1], kind="stable")
    assert table(app, "loading")["example"].tolist() == order.tolist()
    texts = [block.value for block in app.code]
    for example in (*order[:3], *order[-3:]):
        assert any(text.startswith(run.validation["prompt"].iloc[example]) for text in texts)
    closest = table(app, "in the walk")
    affinities = unit(run.regime("sgd").gradients.astype(np.float32)) @ knowledge.components[1]
    assert closest["sample"].iloc[0] == affinities.argmax()
    next(button for button in app.button if button.label == "Previous direction").click().run()
    assert "component" not in app.query_params


def test_orienting_leaves_no_component_pointing_away(open_app, run):
    app = open_app(PAGE, **PRINCIPAL)
    app.toggle(key="orient").set_value(True).run()
    assert not app.warning
    assert (table(app, "mean alignment")["mean alignment"] >= 0).all()
    knowledge = walks.core_knowledge(run, principal(orient=True))
    assert table(app, "sign flipped")["sign flipped"].tolist() == knowledge.flipped.tolist()


def test_the_cut_moves_with_variance(open_app, run):
    app = open_app(PAGE, **PRINCIPAL)
    app.slider(key="variance").set_value(0.8).run()
    for center in (True, False):
        kept = spectrum_of(run, principal(variance=0.8), "apples", center=center).kept
        assert any(text.value.startswith(f"{kept} of 12 directions are kept") for text in app.caption)
    assert app.query_params["variance"] == "0.8"


def test_facets_show_groups_instead(open_app, run):
    app = open_app(PAGE, **FACETS)
    assert app.header[0].value == "Groups"
    assert table(app, "cohesion")["examples"].sum() == len(run.validation)
    assert "Sign flipped" not in [metric.label for metric in app.metric]
    app.toggle(key="with_spectrum").set_value(True).run()
    assert "Spectrum" in [heading.value for heading in app.header]
    assert not app.exception and not any("in use" in text.value for text in app.markdown)


def test_fewer_groups_than_asked_for_are_explained(open_app, run):
    app = open_app(PAGE, **FACETS, facets="32")
    most = len(run.validation) // 3
    assert any(
        f"**{most} groups**" in text.value and "32 were asked for" in text.value for text in app.markdown
    )


def test_single_examples_show_how_alike_they_are(open_app, run):
    app = open_app(PAGE, view="directions", preset="recommended", count="60")
    assert app.header[0].value == "Examples"
    shown = table(app, "cosine to it")
    rows = unit(run.validation_gradients)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    assert sorted(shown["cosine to it"]) == pytest.approx(sorted(cosines.max(axis=1)), abs=1e-5)


def test_fewer_components_lead_back_to_the_first(open_app):
    app = open_app(PAGE, **FACETS, component="3")
    app.number_input(key="facets").set_value(2).run()
    assert not app.warning and any(heading.value == "Direction 0" for heading in app.header)
    app = open_app(PAGE, **FACETS, component="99")
    assert "component=99" in app.warning[0].value


def test_settings_that_do_not_fit_are_reported(open_app):
    app = open_app(PAGE, **PRINCIPAL)
    app.number_input(key="components").set_value(50).run()
    assert "at most" in app.error[0].value
    assert len(table(app, "mean alignment"))


def test_one_view_is_drawn_at_a_time_and_a_link_to_a_direction_finds_its_own(open_app, run):
    app = open_app(PAGE)
    assert [heading.value for heading in app.header] == ["Is the target described well enough?"]
    app.segmented_control(key="view").set_value("gradients").run()
    assert [heading.value for heading in app.header] == ["Kinds of gradients"]
    assert app.query_params["view"] in ("gradients", ["gradients"])
    app = open_app(PAGE, preset="recommended", component="2")
    assert any(heading.value == "Direction 2" for heading in app.header)
    app.segmented_control(key="view").set_value("check").run()
    assert [heading.value for heading in app.header] == ["Is the target described well enough?"]


def test_the_figure_shows_the_cut(run):
    found = spectrum_of(run, principal(), "apples", center=True)
    figure = spectrum_figure(found, 0.5)
    kept, left, total = figure.data
    assert len(kept.x) == found.kept and len(kept.x) + len(left.x) == len(found.shares)
    assert total.y[-1] == pytest.approx(1)
    assert {shape.y0 for shape in figure.layout.shapes} >= {0.5}


def test_a_click_on_a_row_chooses_the_component(server, page):
    page.goto(f"{server.url}/Core_knowledge?run=tiny&preset=recommended&count=60")
    expect(page.get_by_role("heading", name="Is the target described well enough?")).to_be_visible()
    page.get_by_role("radio", name="Target directions").click()
    page.wait_for_url("**view=directions**")
    rows = page.locator(".st-key-components-table").get_by_test_id("stDataFrame")
    rows.scroll_into_view_if_needed()
    settle(page)
    rows.click(position={"x": 18, "y": 36 + 35 * 2 + 17})
    page.wait_for_url("**component=2**")
    expect(page.get_by_role("heading", name="Direction 2")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Direction 0")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_fits_a_phone(server, new_page, scheme):
    page = new_page(color_scheme=scheme)
    page.set_viewport_size({"width": 420, "height": 900})
    main = page.get_by_test_id("stMain")
    for view, drawn in {
        "check": ".st-key-kinds-of-examples .main-svg",
        "directions": ".st-key-affinities .main-svg",
        "gradients": ".st-key-regimes .main-svg",
    }.items():
        page.goto(f"{server.url}/Core_knowledge?run=tiny&preset=recommended&count=60&view={view}")
        expect(page.locator(drawn).first).to_be_visible()
        assert main.evaluate("part => part.scrollWidth <= part.clientWidth + 1")
