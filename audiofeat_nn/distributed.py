"""Training on several processes that see one global batch: gloo on CPUs, NCCL on GPUs, started by torchrun."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch import distributed as dist

from audiofeat._validation import as_count, as_number


class Group(NamedTuple):
    """The processes of a training.

    Attributes
    ----------
    rank : int
        Number of this one; that of number 0 writes the files.
    size : int
        How many there are.

    Examples
    --------
    >>> from audiofeat_nn.distributed import Group
    >>> Group(rank=1, size=2).share([3, 1, 4, 1, 5])
    [1, 1]
    """

    rank: int = 0
    size: int = 1

    def share(self, items: Sequence[int]) -> list[int]:
        """Return what of a global batch is for this process: every `size`-th item.

        Parameters
        ----------
        items : sequence of int
            The global batch.

        Returns
        -------
        list of int
            Its part, which may be empty.
        """
        return list(items[self.rank :: self.size])


@contextmanager
def process_group(device: str = "cpu", *, timeout: float = 300.0) -> Iterator[Group]:
    """Join the processes that torchrun has started, for as long as the block lasts.

    Run ``torchrun --nproc-per-node 2 script.py``, with a script that calls `audiofeat_nn.training.fit` inside the
    block: it divides every batch among the processes, weighs the gradients by what each had, and so follows the loss
    curve of one process with the same settings, up to rounding. Batch normalisation is the exception: in training it
    looks at a process's part of the batch, as in torch's own DistributedDataParallel, so a small batch should not be
    divided; its moving statistics are those of process 0. Dropout draws other numbers in every process.

    All processes read the checkpoint, so the folder must be one that all see. If one of them dies, the others fail at
    the next exchange, after `timeout` at the latest, and torchrun ends what is left.

    Parameters
    ----------
    device : str
        "cpu" for gloo; "cuda" for NCCL, with the GPU of the process's ``LOCAL_RANK``.
    timeout : float
        Seconds to wait for the others in an exchange, above 0. A validation or a checkpoint must fit into it.

    Yields
    ------
    Group
        This process's number and how many there are; one of one if torchrun has not started it.

    Raises
    ------
    ValueError
        If the variables that torchrun sets are not numbers that fit.

    Examples
    --------
    >>> from audiofeat_nn.distributed import process_group
    >>> with process_group("cpu") as group:
    ...     group
    Group(rank=0, size=1)
    """
    seconds = as_number(timeout, "timeout", low=0.0, open_low=True)
    if started_processes() == 1:
        yield Group()
        return
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.set_device(_variable("LOCAL_RANK", 0))
    size = started_processes()
    rank = as_count(_variable("RANK", -1), "RANK", low=0, high=size - 1)
    limit = timedelta(seconds=seconds)
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=limit, rank=rank, world_size=size)
    try:
        yield Group(rank, size)
    finally:
        dist.destroy_process_group()


def started_processes() -> int:
    """Return how many processes torchrun has started, by its variable ``WORLD_SIZE``.

    Returns
    -------
    int
        The number; 1 without torchrun.

    Examples
    --------
    >>> from audiofeat_nn.distributed import started_processes
    >>> started_processes()
    1
    """
    return as_count(_variable("WORLD_SIZE", 1), "WORLD_SIZE")


def current_group() -> Group:
    """Return the group of processes that `process_group`, or the caller by torch itself, has joined.

    Returns
    -------
    Group
        One of one process, if none.

    Raises
    ------
    RuntimeError
        If torchrun has started several processes which have not joined: each would train, and write, alone.

    Examples
    --------
    >>> from audiofeat_nn.distributed import current_group
    >>> current_group()
    Group(rank=0, size=1)
    """
    if dist.is_available() and dist.is_initialized():
        return Group(dist.get_rank(), dist.get_world_size())
    if started_processes() > 1:
        msg = f"{started_processes()} processes were started: join them by audiofeat_nn.distributed.process_group first"
        raise RuntimeError(msg)
    return Group()


def add_up(values: Tensor, group: Group) -> None:
    """Replace a tensor by its sum over the processes.

    Parameters
    ----------
    values : Tensor
        Written.
    group : Group
        The processes.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.distributed import Group, add_up
    >>> add_up(torch.ones(3), Group())
    """
    if group.size > 1:
        dist.all_reduce(values)


def add_up_gradients(parameters: Iterable[nn.Parameter], group: Group) -> None:
    """Replace gradients by their sum over the processes, in one exchange.

    A sum and not a mean, unlike torch's DistributedDataParallel: parts of unequal size then weigh what they hold, and
    weights that the graph leaves without a gradient need no second look. The networks are small enough to send all
    gradients at once.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        The same ones with a gradient in all processes.
    group : Group
        The processes.

    Examples
    --------
    >>> from torch import nn
    >>> from audiofeat_nn.distributed import Group, add_up_gradients
    >>> add_up_gradients(nn.Linear(2, 1).parameters(), Group())
    """
    if group.size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, total in zip(gradients, parts, strict=True):
        gradient.copy_(total.view_as(gradient))


def same_everywhere(tensors: Iterable[Tensor], group: Group) -> None:
    """Write the tensors of process 0 into those of all processes.

    Parameters
    ----------
    tensors : iterable of Tensor
        The same shapes in all processes.
    group : Group
        The processes.

    Examples
    --------
    >>> from torch import nn
    >>> from audiofeat_nn.distributed import Group, same_everywhere
    >>> same_everywhere(nn.Linear(2, 1).parameters(), Group())
    """
    if group.size > 1:
        for tensor in tensors:
            dist.broadcast(tensor.detach(), src=0)


def wait_for_all(group: Group) -> None:
    """Return when all processes have come here.

    Parameters
    ----------
    group : Group
        The processes.

    Examples
    --------
    >>> from audiofeat_nn.distributed import Group, wait_for_all
    >>> wait_for_all(Group())
    """
    if group.size > 1:
        dist.barrier()


def _variable(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError as error:
        msg = f"the environment variable {name} must be an integer, got {text!r}"
        raise ValueError(msg) from error
