"""What the fields of a record are called: which names play which part, over the data sets people train on.

A new spelling is one word in one of these lists. Names are compared in lower case, with `_` for blanks and hyphens.
"""

from __future__ import annotations

CONVERSATIONS = tuple(
    "messages conversations conversation dialogue dialog turns chat chats items msgs message_list dialogs convs".split()
)
"""A list of turns, or its JSON as text."""

PROMPTS = tuple(
    """
    instruction prompt question query problem inputs_pretokenized inputs input instructions user_prompt user human
    user_input request problem_statement question_text question_stem prompt_text input_text task_description text_input
    """.split()
)
"""What is asked."""

RESPONSES = tuple(
    """
    output response completion generated_solution solution targets_pretokenized targets target answer answers outputs
    responses completions model_answer assistant gpt reply generation output_text target_text canonical_solution
    solutions answer_text final_answer correct_answer answer_key answerkey text_output
    """.split()
)
"""What is answered."""

CONTEXTS = tuple(
    "definition input context contexts passage paragraph document article story background support".split()
)
"""What the question is about, beside it."""

SYSTEMS = ("system", "system_prompt", "system_message", "sys_prompt", "system_instruction")
OPTIONS = ("options", "choices", "answer_choices", "choice", "endings")
REASONING = tuple(
    """
    reasoning_content reasoning thinking thought thoughts think complex_cot thinking_trajectory thinking_trajectories
    reasoning_trace
    """.split()
)
"""What is thought before the answer, as a field beside it."""

CARRIERS = frozenset(
    """
    solution generated_solution explanation rationale cot cot_content chain_of_thought image images audio audios video
    videos history knowledge hint evidence facts table schema code messages conversations
    """.split()
).union(OPTIONS, CONTEXTS, REASONING)
"""Fields that usually carry the task or the way to its answer: left unused, they are worth a warning."""


def plain(name: str) -> str:
    """A field's name as it is compared."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")
