"""Where a chat template writes the replies of a conversation.

One rendering of the whole conversation is what the model sees, and the replies are found in it: by stand-ins for
the characters of every turn, or where the template treats those differently by comparing it with renderings of its
beginning. A reply is trained from the end of the generation prompt to the token that ends the turn, with all that
the template writes in between (marks of reasoning, the syntax of tool calls).
"""

from __future__ import annotations

from g2is.lm.by_prefixes import ByPrefixes
from g2is.lm.by_standins import ByStandIns
from g2is.lm.conversation import Conversation
from g2is.lm.notes import DROPPED, EMPTY, EXCLUDED, UNASKED, UNMARKED
from g2is.lm.placing import Placed, Reply, Span
from g2is.lm.template import Template


def place_replies(template: Template, conversation: Conversation, text: str) -> Placed:
    """The trained spans of a conversation that the template renders as `text`."""
    places: ByStandIns | ByPrefixes | None = None
    for plain_names, keep in ((False, False), (False, True), (True, True)):
        places = ByStandIns(template, conversation, text, keep=keep, plain_names=plain_names)
        if places.agree:
            break
    else:
        places = ByPrefixes(template, conversation, text)
    marks = _marks(template, conversation)
    spans: list[Span] = []
    notes = [*conversation.notes, *places.turns_left_out()]
    asked = False
    for number, turn in enumerate(conversation.turns):
        if turn.role == "assistant":
            reason = UNASKED if not asked else EXCLUDED if not turn.trained else None
            if reason is None and not turn.text.strip():
                reason = EMPTY
            reply = None if reason else places.reply(number)
            if isinstance(reply, Reply):
                trained = reply.spans if not marks else _within_marks(reply, marks)
                spans += trained
                notes += reply.notes if trained else [UNMARKED]
            else:
                notes.append(reason or reply or DROPPED)
        asked |= turn.role == "user"
    return Placed(text, tuple(spans), tuple(notes))


def _marks(template: Template, conversation: Conversation) -> list[Span]:
    if not template.has_marks(conversation.tools):
        return []
    return template.render_with_marks(conversation.messages(), conversation.tools, conversation.arguments)[1]


def _within_marks(reply: Reply, marks: list[Span]) -> list[Span]:
    """The marks around a reply, with the token that ends it where they stop short of it."""
    own = [mark for mark in marks if mark[0] < reply.last and mark[1] > reply.first]
    if own and reply.last <= own[-1][1] < reply.spans[-1][1]:
        own[-1] = (own[-1][0], reply.spans[-1][1])
    return own
