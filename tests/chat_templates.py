"""Minimal chat templates, each with one habit that published ones have. Their tokenizers: one token a byte, and one for
each special token."""

from typing import Any

from tests.tiny import byte_tokenizer

SPECIALS = ("<|im_start|>", "<|im_end|>", "[INST]", "[/INST]", "<|call|>", "<|end|>", "<|return|>")

_HEAD = "{{ '<|im_start|>' + m.role + '\\n' }}"
_PROMPT = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"


def _chatml(reply: str, before: str = "", prompt: str = _PROMPT) -> str:
    return (
        before + "{% for m in messages %}" + _HEAD + "{% if m.role == 'assistant' %}" + reply + "{% else %}"
        "{{ m.content }}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}" + prompt
    )


_SPLIT = (
    "{% set thought = m.reasoning_content or '' %}{% set content = m.content or '' %}"
    "{% if '</think>' in content %}{% set thought = content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}"
    "{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
)
_LAST_USER = (
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}"
    "{% endif %}{% endfor %}"
)
_CALLS = (
    "{% for call in m.tool_calls or [] %}{{ '<tool_call>' }}{{ call.function.name }} "
    "{{ ARGUMENTS }}{{ '</tool_call>' }}{% endfor %}"
)
_TOOLS = "{% for tool in tools or [] %}{{ tool.function.name }};{% endfor %}"

TEMPLATES = {
    "plain": _chatml("{{ m.content }}"),
    # Nothing but the last reply is ended, nothing is special about roles (trims what it is given).
    "end of text only": (
        "{% for m in messages %}{{ m.role + ': ' + m.content | trim + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant:' }}{% else %}{{ eos_token }}{% endif %}"
    ),
    "trimmed": _chatml("{{ m.content | trim }}"),
    # The system prompt moves to the last question (Mistral).
    "system with the last question": (
        _LAST_USER + "{% set system = messages[0].content if messages[0].role == 'system' else '' %}"
        "{% for m in messages %}{% if m.role == 'user' %}{{ '[INST]' }}"
        "{% if loop.index0 == ns.last and system %}{{ system + '\\n\\n' }}{% endif %}{{ m.content + '[/INST]' }}"
        "{% elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
    ),
    "default system prompt": _chatml(
        "{{ m.content }}",
        "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nYou are kind.<|im_end|>\\n' }}{% endif %}",
    ),
    # An empty think block in the last turn alone; reasoning of earlier turns is dropped (Qwen3).
    "reasoning after the last question": _chatml(
        _SPLIT + "{% if loop.index0 > ns.last %}{{ '<think>\\n' + thought + '\\n</think>\\n\\n' }}{% endif %}"
        "{{ content }}",
        _LAST_USER,
    ),
    # The prompt opens the reasoning (Qwen3-Thinking, DeepSeek-R1).
    "reasoning opened by the prompt": _chatml(
        _SPLIT + "{% if loop.last %}{{ '<think>\\n' + thought + '\\n</think>\\n\\n' }}{% endif %}{{ content }}",
        prompt="{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}",
    ),
    "reasoning never": _chatml("{{ (m.content or '').split('</think>')[-1] }}"),
    "calls as objects": _chatml(
        "{{ m.content }}" + _CALLS.replace("ARGUMENTS", "call.function.arguments | tojson"), _TOOLS
    ),
    "calls as text": _chatml(
        "{{ m.content }}" + _CALLS.replace("ARGUMENTS", "'' + call.function.arguments"), _TOOLS
    ),
    "calls where content is none": _chatml(
        "{% if m.content is none %}" + _CALLS.replace("ARGUMENTS", "call.function.arguments | tojson")
        + "{% else %}{{ m.content }}{% endif %}",
        _TOOLS,
    ),
    "calls with escaped JSON": _chatml(
        "{{ m.content }}"
        + _CALLS.replace("ARGUMENTS", "call.function.arguments | tojson(ensure_ascii=True, sort_keys=True)"),
        _TOOLS,
    ),
    # Ids of nine letters, and the answer repeats whom it is from (Mistral; gpt-oss).
    "calls with strict ids": (
        "{% for m in messages %}{% if m.role == 'assistant' %}{% for call in m.tool_calls or [] %}"
        "{% if call.id | default('') | length != 9 %}{{ raise_exception('ids have nine letters') }}{% endif %}"
        "{{ call.function | tojson + call.id + '<|call|>' }}{% endfor %}{% if not m.tool_calls %}"
        "{{ m.content + '<|end|>' }}{% endif %}{% elif m.role == 'tool' %}"
        "{{ '[INST]' + m.name + m.content + '[/INST]' }}"
        "{% else %}{{ '[INST]' + m.content + '[/INST]' }}{% endif %}{% endfor %}"
    ),
    # Marks of its own, without the token that ends the turn.
    "marks": _chatml("{% generation %}{{ m.content }}{% endgeneration %}"),
    "marks with the end": (
        "{% for m in messages %}" + _HEAD + "{% if m.role == 'assistant' %}{% generation %}"
        "{{ m.content + '<|im_end|>\\n' }}{% endgeneration %}{% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}"
        "{% endfor %}" + _PROMPT
    ),
    "marks on the last reply": (
        "{% for m in messages %}" + _HEAD + "{% if m.role == 'assistant' and loop.last %}{% generation %}"
        "{{ m.content + '<|im_end|>' }}{% endgeneration %}{% else %}{{ m.content + '<|im_end|>' }}{% endif %}"
        "{% endfor %}" + _PROMPT
    ),
    # Another token ends the last turn (gpt-oss).
    "two end tokens": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '[INST]' + m.content }}"
        "{% if m.role == 'assistant' and loop.last %}{{ '<|return|>' }}{% else %}{{ '<|end|>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif %}"
    ),
    "end of text after the end of the turn": _chatml("{{ m.content }}")
    + "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}",
    "start of a reply at the end": _chatml("{{ m.content }}", prompt="{{ '<|im_start|>assistant\\n' }}"),
    "content in parts": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% for part in m.content %}"
        "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{{ '<|im_end|>' }}{% endfor %}" + _PROMPT
    ),
    "no system, no tools, strict turns": (
        "{% for m in messages %}{% if m.role not in ('user', 'assistant') %}{{ raise_exception('no such role') }}"
        "{% endif %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}"
        "{% endif %}" + _HEAD + "{{ m.content + '<|im_end|>\\n' }}{% endfor %}" + _PROMPT
    ),
    "users and replies only": (
        "{% for m in messages %}{% if m.role in ('user', 'assistant') %}" + _HEAD + "{{ m.content + '<|im_end|>\\n' }}"
        "{% endif %}{% endfor %}" + _PROMPT
    ),
    "today": _chatml("{{ m.content }}", "{{ strftime_now('%Y-%m-%d, %d %B') }}"),
    "argument of its own": _chatml(
        "{{ '<think>' if thinking_on else '' }}{{ m.content }}",
        prompt="{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{{ '<think>' if thinking_on else '' }}"
        "{% endif %}",
    ),
}  # fmt: skip


def tokenizer_of(name: str) -> Any:
    tokenizer = byte_tokenizer(TEMPLATES[name])
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIALS)})
    return tokenizer
