"""Home: choose a run, see its state, or build the demo run."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.app.shared import building
from g2is.errors import InputError
from g2is.pipeline.progress import Progress
from g2is.run.run import Run

STAGES = {
    "instructions": "Reads the files, checks every record, finds exact duplicates.",
    "warmup": "Trains an adapter for a few steps, so that gradients mean something.",
    "gradients": "Takes the gradient of every instruction: how it would move the adapter.",
    "graph": "Finds each instruction's nearest and most conflicting ones.",
    "layout": "Places all instructions on a map, near where they teach alike.",
    "communities": "Groups instructions that teach alike, and names each group by its words.",
    "leaks": "Looks for near-copies of validation examples in the pool.",
}
REGIMES = {
    "adam": "As in the paper: steps of the Adam optimizer. Its momentum is in every one, so all look alike.",
    "adam_without_momentum": "The same without the momentum that all share.",
    "sgd": "Plain gradients, as they are taken of the validation examples too.",
}
INTRODUCTION = (
    "You have a large pool of instructions, a few examples of what a language model should become good at, and the "
    "model. This tool finds the few percent of the pool that teach those examples best, by comparing how each "
    "instruction and each example would move the model's weights (their *gradients*). You see why every instruction "
    "was taken, steer the selection by hand, and leave with a file that your trainer reads."
)
NEXT = {
    "Walk": "Select a subset step by step, and see why each instruction is in or not.",
    "Map": "All instructions at a glance, near where they teach alike.",
    "Neighbourhood": "What lies near one instruction, and what works against it.",
    "Instructions": "Search and filter the pool, and read any instruction in full.",
    "Core knowledge": "What the validation examples ask for.",
    "Compare": "Selections side by side: what they share, and what they taught a model.",
    "Export": "Write a selection as files that your trainer reads.",
}


def offer_demo() -> None:
    """The button that builds the demo run, and how far it is."""
    cache = ui.cache_folder()
    with st.container(border=True):
        st.subheader("The demo run", anchor=False)
        st.markdown(
            "A small model and a few thousand made-up instructions come with the tool, so nothing is downloaded. "
            "Building takes a minute or two on a laptop; it goes on if you close this page."
        )
        if not building.POSSIBLE:
            st.code("python -m g2is demo", language="bash")
        elif building.running(cache):
            follow_build()
        else:
            lines = building.log_lines(cache)
            if lines:
                st.warning(
                    "The last build ended before the run was complete. Starting again goes on from there."
                )
            st.button(
                "Go on building the demo run" if lines else "Build the demo run",
                type="primary",
                icon=":material/play_arrow:",
                on_click=begin_demo,
                args=(cache,),
            )
            if lines:
                with st.expander("What the last build said", expanded=True):
                    ui.show_text("\n".join(lines), tallest=260)
    with st.expander("Or build a run of your own"):
        st.markdown(
            "On the machine with the GPU; the folder it writes under `cache/` opens anywhere, without a GPU."
        )
        st.code(
            "python -m g2is build --run mine --model FOLDER_OR_NAME \\\n"
            "    --train pool.jsonl --validation target=examples.jsonl",
            language="bash",
        )


@st.fragment(run_every=1)
def follow_build() -> None:
    """Progress, log and cancel; looks again every second."""
    cache = ui.cache_folder()
    if not building.running(cache):
        if building.RUN in ui.run_folders():
            ui.set_url(run=building.RUN)
        st.rerun()
    lines = building.log_lines(cache)
    if progress := building.progress(cache):
        st.progress(progress.share, progress_text(progress))
    else:
        st.progress(0.0, "Starting: loading the libraries and the model")
    st.caption("Stages: " + " → ".join(STAGES))
    st.button("Cancel", icon=":material/stop:", on_click=building.cancel, args=(cache,))
    ui.show_text("\n".join(lines[-12:]) or "…", tallest=260)


def progress_text(progress: Progress) -> str:
    """Stage, count, and time left as far as they are known."""
    parts = [f"**{progress.stage}**"]
    if progress.total:
        parts.append(f"{ui.number(progress.done)} of {ui.number(progress.total)}")
    if progress.seconds_left is not None:
        parts.append(f"{ui.duration(round(progress.seconds_left))} left in this stage")
    return " · ".join(parts)


def begin_demo(cache: Path) -> None:
    building.start(cache)


def table_of_runs(folders: dict[str, Path]) -> pd.DataFrame:
    """One row a run; of a damaged one what is wrong with it."""
    rows: list[dict[str, Any]] = []
    for name, folder in folders.items():
        row: dict[str, Any] = {"run": ui.visible(name)}
        try:
            run = ui.read_run(folder)
        except InputError as error:
            rows.append({**row, "state": "cannot be opened", "note": ui.visible(str(error))})
            continue
        found = run.manifest.stages["instructions"].found if "instructions" in run.manifest.stages else {}
        missing = missing_stages(run)
        rows.append(
            {
                **row,
                "state": "complete" if not missing else f"lacks {', '.join(missing)}",
                "pool": found.get("pool"),
                "validation": found.get("validation"),
                "model": ui.visible(model_name(run)),
                "built": run.manifest.created[:16].replace("T", " "),
            }
        )
    return pd.DataFrame(rows, columns=["run", "state", "pool", "validation", "model", "built", "note"])


def show_runs(runs: pd.DataFrame) -> None:
    st.subheader("Runs", anchor=False)
    st.dataframe(
        runs.dropna(axis="columns", how="all"),
        hide_index=True,
        alt="Runs under the cache folder",
        column_config={
            "run": st.column_config.TextColumn("Run", width="medium"),
            "state": st.column_config.TextColumn("State", width="medium"),
            "pool": st.column_config.NumberColumn("Pool", format="localized"),
            "validation": st.column_config.NumberColumn("Validation", format="localized"),
            "model": st.column_config.TextColumn("Model", width="medium"),
            "built": st.column_config.TextColumn("Begun"),
            "note": st.column_config.TextColumn("What is wrong", width="large"),
        },
    )


def missing_stages(run: Run) -> list[str]:
    return [stage for stage in run.manifest.stage_names if stage not in run.manifest.stages]


def model_name(run: Run) -> str:
    if ui.is_demo(run.manifest):
        return "the embedded demo model"
    model = getattr(run.manifest.configuration, "model", None)
    return model.model.rstrip("/").rpartition("/")[2] if model else "gradients computed elsewhere"


def show_run(run: Run) -> None:
    """All that is known of the run."""
    if ui.show_damage(run):
        return
    stages = run.manifest.stages
    if missing := missing_stages(run):
        st.warning(f"Not finished: {', '.join(missing)}. This command goes on where it stopped:")
        st.code(ui.build_command(run.manifest, run.name), language="bash", wrap_lines=True)
    if "instructions" not in stages:
        return
    found = {**stages["instructions"].found, **(stages["gradients"].found if "gradients" in stages else {})}
    with st.grid(4):
        st.metric("Pool", ui.number(found["pool"]), border=True, help="Instructions to select from.")
        st.metric(
            "Validation",
            ui.number(found["validation"]),
            border=True,
            help="Examples of the target: what the model should get good at.",
        )
        if "valid" in found:
            st.metric(
                "With a gradient",
                ui.number(found["valid"]),
                border=True,
                help="An instruction without one has nothing to train on, or is broken; it is never selected.",
            )
        st.metric("Selections saved", ui.number(len(ui.saved_selections(run))), border=True)
    show_leaks(run)
    next_steps(run)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if "graph" in stages:
            show_regimes(run)
        show_sources(run, found)
        show_selections(run)
    with right:
        show_stages(run)
        show_facts(run, found)


def show_leaks(run: Run) -> None:
    """How many samples may be copies of validation examples, where there are any."""
    stage = run.manifest.stages.get("leaks")
    count = sum(stage.found.values()) if stage else 0
    if count:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"**{ui.number(count)} possible leak{'s' if count > 1 else ''}**: instructions that are near-copies of "
                "validation examples. Trained on, they make the model look better than it is.",
                icon=":material/warning:",
            )
            ui.link_to("Neighbourhood", "See and ban them", focus=int(run.leaks["sample"].iloc[0]))


def show_selections(run: Run) -> None:
    """What was saved on this run."""
    rows: list[dict[str, Any]] = []
    for name in ui.saved_selections(run):
        try:
            selection = ui.read_selection(run, name)
        except InputError as error:
            rows.append({"name": ui.visible(name), "method": ui.visible(f"cannot be read: {error}")})
        else:
            rows.append(
                {
                    "name": ui.visible(name),
                    "samples": len(selection.samples),
                    "method": ui.visible(selection.method),
                }
            )
    if rows:
        st.subheader("Selections saved", anchor=False)
        st.dataframe(
            pd.DataFrame(rows, columns=["name", "samples", "method"]),
            hide_index=True,
            alt="Selections saved on this run",
            column_config={
                "name": st.column_config.TextColumn("Name", width="medium"),
                "samples": st.column_config.NumberColumn("Samples", format="localized"),
                "method": st.column_config.TextColumn("By"),
            },
        )


def next_steps(run: Run) -> None:
    if not run.complete:
        return
    known = [title for title in NEXT if title in ui.pages()]
    with st.grid(len(known) or 1, min_column_width=200):
        for title in known:
            with st.container(border=True, height="stretch"):
                ui.link_to(title, title)
                st.caption(NEXT[title])


def show_regimes(run: Run) -> None:
    st.subheader("How alike the gradients are", anchor=False)
    st.caption(
        "Mean cosine: how alike two instructions pull the weights, from −1 (against each other) over 0 "
        "(unrelated) to 1 (the same). Conflicts: pairs that pull against each other, so that one undoes part "
        "of what the other teaches; where there are none, the walk's no-conflict rule has nothing to do."
    )
    found = run.manifest.stages["graph"].found
    st.table(
        pd.DataFrame(
            {
                "Regime": list(run.regimes),
                "Mean cosine": [ui.number(found[name]["mean_cosine"]) for name in run.regimes],
                "Conflicts": [ui.percent(found[name]["conflict_share"]) for name in run.regimes],
                "What it is": [REGIMES[name] for name in run.regimes],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt="Mean cosine and conflicts in each gradient regime",
    )
    recall = [found[name]["neighbor_recall"] for name in run.regimes if found[name].get("neighbor_recall")]
    if recall:
        st.caption(
            f"Neighbours were searched approximately: at least {ui.percent(min(recall))} of the exact ones are there, "
            "measured on some samples."
        )


def show_sources(run: Run, found: dict[str, Any]) -> None:
    st.subheader("What the pool is made of", anchor=False)
    pool = run.instructions
    table = pool.groupby("source", sort=False).agg(
        format=("format", lambda formats: ", ".join(sorted(formats.unique()))),
        instructions=("line", "size"),
        duplicates=("duplicate_of", lambda first: int((first >= 0).sum())),
    )
    if "tokens" in pool and pool["tokens"].any():
        table["tokens"] = pool.groupby("source", sort=False)["tokens"].mean()
    table = table.reset_index()
    table["source"] = [ui.visible(source) for source in table["source"]]
    st.dataframe(
        table,
        hide_index=True,
        alt="Source files of the pool",
        column_config={
            "source": st.column_config.TextColumn("File", width="medium"),
            "format": st.column_config.TextColumn("Format"),
            "instructions": st.column_config.NumberColumn("Instructions", format="localized"),
            "duplicates": st.column_config.NumberColumn("Exact duplicates", format="localized"),
            "tokens": st.column_config.NumberColumn("Mean tokens", format="%.3g"),
        },
    )
    counts = {
        "exact duplicates": found.get("duplicates", 0),
        "records rejected as broken": found.get("rejected", 0),
        "without a gradient": found.get("invalid", 0),
        "too long, start of the prompt cut": found.get("prompt_cut", 0),
        "too long, end of the response cut": found.get("response_cut", 0),
    }
    st.caption(" · ".join(f"{ui.number(count)} {what}" for what, count in counts.items()))


def show_stages(run: Run) -> None:
    st.subheader("How it was built", anchor=False)
    stages = run.manifest.stages
    names = run.manifest.stage_names
    st.table(
        pd.DataFrame(
            {
                "Stage": [("✓\u00a0" if name in stages else "–\u00a0") + name for name in names],
                "Time": [
                    ui.duration(stages[name].seconds).replace(" ", "\u00a0") if name in stages else "not yet"
                    for name in names
                ],
                "What it does": [STAGES[name] for name in names],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt="Stages of the build and their time",
    )


def show_facts(run: Run, found: dict[str, Any]) -> None:
    manifest = run.manifest
    config = manifest.configuration
    facts = {"Run hash": run.hash, "Built": manifest.created[:16].replace("T", " "), "Model": model_name(run)}
    if manifest.model:
        facts["Device"] = f"{manifest.model['device']}, {manifest.model['dtype']}"
    if hasattr(config, "lora"):
        facts["Adapter"] = f"LoRA rank {config.lora.rank}, alpha {ui.number(config.lora.alpha)}"
    if "projection_dim" in found:
        facts["Gradient dimensions"] = ui.number(found["projection_dim"])
    for file in manifest.validation:
        facts[f"Target {file.target}"] = file.name
    st.dataframe(
        pd.DataFrame(
            {"what": map(ui.visible, facts), "value": [ui.visible(str(fact)) for fact in facts.values()]}
        ),
        hide_index=True,
        alt="Facts about the run",
        column_config={
            "what": st.column_config.TextColumn("Fact", width=150),
            "value": st.column_config.TextColumn(""),
        },
    )


def show() -> None:
    """Draw the page."""
    navigation = ui.start_page("Home")
    folders = ui.run_folders()
    runs = table_of_runs(folders)
    folder = ui.choose_run(folders) if folders else None
    ui.draw_navigation(navigation)
    st.title("G2IS Explorer", anchor=False)
    st.markdown(INTRODUCTION)
    if not (runs["state"] == "complete").any() or building.running(ui.cache_folder()):
        offer_demo()
    if folder:
        if len(runs) > 1:
            show_runs(runs)
        st.header(f"Run {ui.literal(folder.name)}", anchor=False)
        try:
            show_run(ui.read_run(folder))
        except InputError as error:
            ui.show_closed(folder, error)
