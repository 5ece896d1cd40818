"""The base of all settings: frozen and checked; a value that does not fit is reported in one line."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from g2is.config.conditions import check_condition
from g2is.errors import InputError, shortened

RegimeName = Literal["adam", "adam_without_momentum", "sgd", "whitened"]
REGIMES: tuple[RegimeName, ...] = ("adam", "adam_without_momentum", "sgd", "whitened")
COMPUTED: tuple[RegimeName, ...] = ("adam", "adam_without_momentum", "sgd")
"""The regimes that a backward pass gives; `whitened` is made from `sgd` without the model."""

LARGEST = 2**31 - 1
"""The largest count; rows of the pool are stored as 32-bit integers."""
SEEDS = 2**32
"""Seeds are below this: every library that draws random numbers accepts those."""
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0, le=1e6)]
Condition = Annotated[str, AfterValidator(check_condition)]
"""A condition on a column of the pool."""


class Settings(BaseModel):
    """A frozen group of checked values."""

    argument_prefix: ClassVar[str] = ""
    """What the names of its arguments begin with on the command line, such as `lora_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_one_line(type(self), error)) from None

    def replace(self, **changes: Any) -> Self:
        """A checked copy with some fields changed."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


class Budget(Settings):
    """How many samples to select: a fraction of the valid ones, or a count."""

    fraction: float | None = Field(
        None, gt=0, le=1, description="budget as a share of the instructions that have a gradient"
    )
    count: int | None = Field(None, ge=1, le=LARGEST, description="budget as a number of instructions")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if not self._has_budget():
            raise ValueError("budget: give either fraction (0 to 1) or count (1 or more)")
        return self

    def _has_budget(self) -> bool:
        return (self.fraction is None) != (self.count is None)


def _one_line(kind: type[Settings], error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        field = shortened(".".join(str(part) for part in problem["loc"]))
        field = kind.argument_prefix + field if field else ""
        if problem["type"] == "extra_forbidden":
            problems.append(f"{field}: no such setting")
        elif problem["type"] == "missing":
            problems.append(f"{field}: missing")
        elif problem["type"] == "value_error":
            text = str(problem["ctx"]["error"])
            own = not field or text.startswith(str(problem["loc"][0]))
            problems.append(text if own else f"{field}: {text}")
        else:
            expected = problem["msg"].removeprefix("Input should be ")
            if problem["type"] == "int_parsing_size":  # thousands of digits, which pydantic does not parse
                expected = "a number of fewer digits"
            elif problem["type"] == "too_short":
                expected = "one value or more"
            expected += _per_cent(kind, problem)
            problems.append(f"{field} = {shortened(repr(problem['input']))}: expected {expected}")
    return "; ".join(problems)


def _per_cent(kind: type[Settings], problem: Any) -> str:
    """What a share is called that was given in per cent; "" where it was not."""
    field = kind.model_fields.get(str(problem["loc"][0]) if problem["loc"] else "")
    is_share = field is not None and "share" in (field.description or "")
    if not is_share or problem["type"] not in ("less_than", "less_than_equal"):
        return ""
    value = float(problem["input"])
    return f"; {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
