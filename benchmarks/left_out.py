"""What is done for a GPU, each left out by itself: to measure what it brings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from unittest import mock

import torch

from g2is.engine.base import Item, OnReceipt, Receipt, Worker
from g2is.lm.norms import fuse_norms


@contextmanager
def written_norms(model: torch.nn.Module) -> Iterator[None]:
    """Norms as the model's code writes them, in place of torch's operator."""
    for module in model.modules():
        if "Norm" in type(module).__name__:
            vars(module).pop("forward", None)
    try:
        yield
    finally:
        fuse_norms(model)


@contextmanager
def several_kernels() -> Iterator[None]:
    """Kernels of torch for Adam's rule and the sketches, in place of one."""
    with ExitStack() as patched:
        for user in ("gradients", "projection"):
            patched.enter_context(mock.patch(f"g2is.lm.{user}.one_kernel", lambda device: None))
        yield


def attention_mask() -> AbstractContextManager[object]:
    """A mask for padding that no token sees."""
    return mock.patch("g2is.lm.train.needed", lambda mask, model: mask)


def in_a_row(
    worker: Worker, items: Sequence[Item], on_rows: Callable[[int], object], done: OnReceipt
) -> list[Receipt]:
    """Shards one after the other, each tokenised, computed and written before the next is begun."""
    receipts = []
    for item in items:
        receipts.append(worker.write(item, worker.compute(item, worker.read(item), on_rows)))
        done(receipts[-1])
    return receipts


def no_overlap() -> AbstractContextManager[object]:
    """Nothing is read ahead or written behind."""
    return mock.patch("g2is.engine.local.overlapped", in_a_row)
