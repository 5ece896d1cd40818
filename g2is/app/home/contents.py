"""The content of a run: its gradients, the files of its pool, and facts about it."""

from typing import Any

import pandas as pd
import streamlit as st

from g2is.analysis.contents import source_files
from g2is.app import shared as ui
from g2is.app.home.runs import model_name
from g2is.app.shared.labels import REGIME_NAMES
from g2is.lm.notes import note_lines
from g2is.run.parts import POOL
from g2is.run.run import Run

MEANINGS = {
    "adam": "Steps of the Adam optimizer. All contain its momentum, so all are similar.",
    "adam_without_momentum": "The same without the momentum that all share.",
    "sgd": "The same kind as that of validation examples.",
    "whitened": "Plain ones in which directions that many instructions share count less.",
}


def show_regimes(run: Run) -> None:
    """Mean cosine and conflicts of every regime."""
    st.subheader("How alike the gradients are", anchor=False)
    st.caption(
        "Mean cosine: how alike two instructions pull the weights, from −1 (against each other) over 0 "
        "(unrelated) to 1 (the same). Conflicts: pairs that pull against each other, so that one undoes part "
        "of what the other teaches; where there are none, the walk's no-conflict rule has nothing to do."
    )
    measured = run.manifest.stages["graph"].found
    st.table(
        pd.DataFrame(
            {
                "Gradients": [REGIME_NAMES[name] for name in run.regimes],
                "Mean cosine": [ui.number(measured[name]["mean_cosine"]) for name in run.regimes],
                "Conflicts": [ui.percent(measured[name]["conflict_share"]) for name in run.regimes],
                "What it is": [MEANINGS[name] for name in run.regimes],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt="Mean cosine and conflicts of each kind of gradients",
    )
    searched = [measured[name] for name in run.regimes if measured[name].get("neighbor_recall") is not None]
    if searched:
        near, far = (
            ui.percent(min(numbers[f"{kind}_recall"] for numbers in searched))
            for kind in ("neighbor", "conflict")
        )
        st.caption(
            f"Neighbours were searched approximately: at least {near} of the nearest and {far} of the most conflicting "
            "instructions of each are in its lists, measured on a part of the pool."
        )


def show_sources(run: Run, counts: dict[str, Any]) -> None:
    """The files of the pool, and how many records were left out or cut. counts: as the stages recorded them."""
    st.subheader("What the pool is made of", anchor=False)
    present = run.present
    table = source_files(present)
    table["source"] = [ui.visible(source) for source in table["source"]]
    st.dataframe(
        table,
        hide_index=True,
        alt="Source files of the pool",
        column_config={
            "source": st.column_config.TextColumn("File", width=140),
            "format": st.column_config.TextColumn("Format", width=80),
            "instructions": st.column_config.NumberColumn("Instructions", format="localized", width=85),
            "duplicates": st.column_config.NumberColumn(
                "Duplicates", format="localized", width=80, help="With exactly the same text."
            ),
            "tokens": st.column_config.NumberColumn("Mean tokens", format="%.3g", width=85),
        },
    )
    events = {
        "exact duplicates": int((present["duplicate_of"] >= 0).sum()),
        **({"left out, the same as an earlier one": counts["repeats"]} if counts.get("repeats") else {}),
        "records rejected as broken": counts.get("rejected", 0),
        "without a gradient": int((~present["valid"]).sum()) if "valid" in present else 0,
        "too long, start of the prompt cut": int((present["cut"] == 1).sum()) if "cut" in present else 0,
        "too long, end of the response cut": int((present["cut"] == 2).sum()) if "cut" in present else 0,
    }
    st.caption(" · ".join(f"{ui.number(count)} {what}" for what, count in events.items()))
    # As text, since names of fields may hold anything; style.css makes it as small as the caption above.
    with st.container(key="reading_notes", gap="xxsmall"):
        for line in [*counts.get("reading", []), *note_lines(counts.get("reply_notes", {}))]:
            st.text(ui.visible(line))


def show_facts(run: Run, counts: dict[str, Any]) -> None:
    """Facts about the run as a table. counts: as the stages recorded them."""
    manifest = run.manifest
    config = manifest.configuration
    facts = {
        "Run hash": run.hash,
        "Built": manifest.created[:10],
        "Model": model_name(run),
    }
    if manifest.model:
        facts["Device"] = f"{manifest.model['device']}, {manifest.model['dtype']}"
    if hasattr(config, "lora"):
        facts["Adapter"] = f"LoRA rank {config.lora.rank}, alpha {ui.number(config.lora.alpha)}"
    if "projection_dim" in counts:
        facts["Gradient dimensions"] = ui.number(counts["projection_dim"])
    for added in manifest.parts.values():
        if added.kind == POOL:
            facts[f"Added {added.added[:16].replace('T', ' ')}"] = (
                f"{ui.number(added.found['count'])} instructions from {added.name}"
            )
    for target in run.targets:
        files = ", ".join(file.name for file in manifest.validation if file.target == target.name)
        facts[f"Target {ui.literal(target.name)}"] = (
            target.note or f"{ui.number(target.size)} examples of {files}"
        )
    st.table(
        pd.DataFrame({"Fact": list(facts), "Value": [ui.prose(fact) for fact in facts.values()]}),
        hide_index=True,
        border="horizontal",
        alt="Facts about the run",
    )
