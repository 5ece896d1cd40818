"""Small files of kinds that people really have: each gives the right conversations."""

import pytest

from g2is.errors import InputError
from g2is.instructions import Message, ToolCall, read_instructions

ADD = [("user", "Add 2 and 1."), ("assistant", "The sum is 3.")]
SURE = [("user", "Sure?"), ("assistant", "Yes.")]
BRIEF = ("system", "Be brief.")

PLAIN = """
alpaca.csv alpaca.jsonl alpaca.jsonl.gz alpaca_text_prompt_extra.jsonl alpaca_utf16.jsonl code_prompt_response.jsonl
columns_of_lists.json flan_inputs_targets.jsonl guanaco_text_only.jsonl image_bytes.parquet infinity_instruct.jsonl
llamafactory_ranking_chosen.jsonl lmsys_conversation_key.jsonl mac_cr_lines.jsonl magpie_instruction_response.jsonl
messages_as_json_string.jsonl metamath_query_response.jsonl nan_input.jsonl nested_messages.parquet
numina_problem_solution_messages.jsonl openhermes_extra_nulls.jsonl pretty_objects_concatenated.json
role_capitalised.jsonl role_model_in_messages.jsonl role_prompter_oasst.jsonl saved sharegpt_empty_gpt.jsonl:one
sharegpt_trailing_human.jsonl shards tools_dict.jsonl trl_chat_template_kwargs.jsonl
trl_preference_chosen_rejected.jsonl ultrachat200k.jsonl wizardlm_idx_conversations.jsonl
""".split()

CONVERSATIONS = {
    **{name: ADD for name in PLAIN if ":" not in name},
    "alpaca_history_system.jsonl": [BRIEF, ("user", "Hi"), ("assistant", "Hello."), *ADD],
    "alpaca_with_context.jsonl": [
        ("user", "Which colour is the box?\nThe box 0 is red."),
        ("assistant", "Red 0."),
    ],
    "axolotl_train_false.jsonl": [
        ADD[0], ("assistant", "BADBADBAD wrong"), ("user", "Again."), ADD[1],
    ],
    "bool_output.jsonl": [("user", "Is it even? 0"), ("assistant", "false")],
    "consecutive_user_turns.jsonl": [("user", "Add 2 and 1.\n\nplease"), ADD[1]],
    "dolly_context_response.jsonl": [("user", "Add 2 and 1.\nUse whole numbers."), ADD[1]],
    "limo_question_solution_answer.jsonl": [
        ("user", "Add 0 and 1."),
        ("assistant", "We add one to 0. So it is 1."),
    ],
    "messages_beside_system_prompt.jsonl": [
        ("system", "Answer in French."), ("user", "Say 0."), ("assistant", "Voici 0."),
    ],
    "mixed_dolly_and_alpaca.jsonl": [("user", "Add 0 and 1."), ("assistant", "1")],
    "names_in_messages.jsonl": [("user", "Add 0 and 1."), ("assistant", "1")],
    "number_output.jsonl": [ADD[0], ("assistant", "0")],
    "orca_system_prompt_question_response.jsonl": [("system", "You are brief."), *ADD],
    "plain_multiturn.jsonl": [*ADD, ("user", "Sure?"), ("assistant", "Yes, The sum is 3.")],
    "pool60_squad.jsonl": [
        ("user", "Passage 0: the box is red.\n\nAdd 25 and 49."),
        ("assistant", "The sum of 25 and 49 is 74."),
    ],
    "raw_tab_in_string.jsonl": [("user", "Add\t1 and 2"), ("assistant", "3")],
    "squad_context_question_answer.jsonl": [
        ("user", "The box number 0 is red.\n\nWhich colour is the box?"),
        ("assistant", "Red, box 0."),
    ],
    "trl_prompt_completion_messages.jsonl": [BRIEF, *ADD],
    "tulu3_messages_source.jsonl": [*ADD, ("user", "And plus one?"), ("assistant", "One more.")],
    "ultrachat_raw_data_list.jsonl": [*ADD, *SURE],
}  # fmt: skip


@pytest.fixture
def cases(shared):
    if not (shared / "cases").is_dir():
        pytest.skip("needs the cases beside the checkout")
    return shared / "cases"


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_file_gives_its_conversations(cases, name):
    instructions = read_instructions([cases / name]).instructions
    assert len(instructions) == {"pool60_squad.jsonl": 60, "raw_tab_in_string.jsonl": 3}.get(name, 6)
    assert [(turn.role, turn.content) for turn in instructions[0].messages] == CONVERSATIONS[name]


@pytest.mark.parametrize("name", ["role_function_openai_legacy.jsonl", "tool_calls_null_content.jsonl"])
def test_calls_with_their_results(cases, name):
    messages = read_instructions([cases / name]).instructions[0].messages
    legacy = "legacy" in name
    call = ToolCall("add", '{"a":1}') if legacy else ToolCall("add", '{"a": 1, "b": 2}', "c1")
    assert messages[1:3] == (
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "3", tool_call_id=None if legacy else "c1", name="add" if legacy else None),
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (
            "alpaca_empty_output_one.jsonl",
            'alpaca_empty_output_one.jsonl:4: "output" is empty, expected text',
        ),
        ("alpaca_latin1.jsonl", "alpaca_latin1.jsonl:1: invalid UTF-8 at byte 18 (0xdc), expected UTF-8"),
        ("alpaca.yaml", "alpaca.yaml: starts with '- instruction: Add 1 and 2\\n', expected JSON Lines"),
        ("duplicate_key.jsonl", "duplicate_key.jsonl:1: the key 'output' stands twice in one object"),
        ("vision_content_parts.jsonl", 'vision_content_parts.jsonl:1: "content" of turn 1 (user) has a part'),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(cases, name, what):
    with pytest.raises(InputError) as caught:
        read_instructions([cases / name])
    assert str(caught.value).startswith(what)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("sharegpt_trailing_human.jsonl", "turns after the last reply dropped in 6 of 6 instructions"),
        ("sharegpt_empty_gpt.jsonl", "empty reply not trained in 1 of 6 instructions"),
        ("consecutive_user_turns.jsonl", "consecutive user turns joined in 6 of 6 instructions"),
        ("pool60_weight0.jsonl", "reply marked as not to be trained in 60 of 60 instructions"),
        ("dolly_context_response.jsonl", "fields not trained: category (6)"),
        ("numina_problem_solution_messages.jsonl", "fields not trained: source (6)"),
    ],
)
def test_what_was_changed_or_left_is_counted(cases, name, line):
    assert f"{name}: {line}" in read_instructions([cases / name]).report()


def test_an_image_that_is_not_used_is_a_warning(cases):
    [line] = read_instructions([cases / "image_bytes.parquet"]).report()
    assert line.startswith(
        'warning: image_bytes.parquet: 6 of 6 records have a field "image" that is not trained'
    )


def test_an_empty_reply_stays_in_its_place_but_is_not_trained(cases):
    messages = read_instructions([cases / "sharegpt_empty_gpt.jsonl"]).instructions[2].messages
    assert [turn.content for turn in messages] == ["Add 4 and 7.", "", "go on", "The sum is 11."]
    assert [turn.trained for turn in messages] == [True, False, True, True]
