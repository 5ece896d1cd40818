"""What the pages share.

A page opens with `open_page`, which sets it up and returns the run. What it shows is kept in its URL, so that a
copied link and the browser's Back reproduce it: `in_url` ties a widget to a parameter of the URL, `url_value` reads
one that has no widget, `set_url` changes some from a callback, `put_in_url` from the page itself. `st.query_params` is
for these alone: it may hold an older URL. `run`, `focus` (a sample), `selection` (the name of a
saved one) and the settings of the walk go along from page to page.

`url` keeps values in the URL, `text` shows text literally, `tables` shows tables of which a row can be chosen,
`runs` finds and opens runs, `navigation` links pages, `opening` opens a page, `samples` shows instructions and
selections, `aside` keeps what was put aside by hand, `more_like` makes instructions a target,
`removing` takes them out of the pool, `building` runs the build of the demo.
"""

from g2is.app.shared.aside import SET, basket, fill_basket, in_link, unchanged_set
from g2is.app.shared.boxes import choose_kept, choose_view
from g2is.app.shared.more_like import more_like_these
from g2is.app.shared.navigation import draw_navigation, link_to, pages
from g2is.app.shared.opening import (
    add_style,
    build_command,
    is_demo,
    open_page,
    show_closed,
    show_damage,
    start_page,
)
from g2is.app.shared.removing import remove_button, say_what_was_done
from g2is.app.shared.runs import cache_folder, choose_run, open_run, read_run, run_folders
from g2is.app.shared.samples import (
    BASKET,
    choices,
    choose_selection,
    facts_of,
    focus,
    read_selection,
    saved_selections,
    show_changes,
    show_record,
    stamp_of,
)
from g2is.app.shared.tables import INSTRUCTION, THREE_DIGITS, choose_row, table_height
from g2is.app.shared.text import (
    duration,
    literal,
    number,
    percent,
    prose,
    show_error,
    show_text,
    snippets,
    stop,
    visible,
)
from g2is.app.shared.url import all_texts, flag, in_url, one_of, put_in_url, real, set_url, url_value, whole

__all__ = [
    "BASKET",
    "INSTRUCTION",
    "SET",
    "THREE_DIGITS",
    "add_style",
    "all_texts",
    "basket",
    "build_command",
    "cache_folder",
    "choices",
    "choose_kept",
    "choose_row",
    "choose_run",
    "choose_selection",
    "choose_view",
    "draw_navigation",
    "duration",
    "facts_of",
    "fill_basket",
    "flag",
    "focus",
    "in_link",
    "in_url",
    "is_demo",
    "link_to",
    "literal",
    "more_like_these",
    "number",
    "one_of",
    "open_page",
    "open_run",
    "pages",
    "percent",
    "prose",
    "put_in_url",
    "read_run",
    "read_selection",
    "real",
    "remove_button",
    "run_folders",
    "saved_selections",
    "say_what_was_done",
    "set_url",
    "show_changes",
    "show_closed",
    "show_damage",
    "show_error",
    "show_record",
    "show_text",
    "snippets",
    "stamp_of",
    "start_page",
    "stop",
    "table_height",
    "unchanged_set",
    "url_value",
    "visible",
    "whole",
]
