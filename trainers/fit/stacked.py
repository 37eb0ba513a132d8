"""Several trainings of one kind as one: their weights are stacked, and `torch.vmap` runs the network once for all.

Folds and seeds of an experiment have the same network, and each is too small to keep a GPU busy. Every model keeps its
own batches, learning rate, random draws, optimiser and checkpoint, so each ends as it would have ended alone, up to the
rounding of products that are computed in another order. A training may go on alone from a stacked one's checkpoint.
"""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainers.data.batch import Batch
from trainers.data.device import DEVICE_ERRORS, indexed_device
from trainers.errors import TrainingError
from trainers.fit.checkpoint import State
from trainers.fit.epoch import Epoch, Training, autocast, start
from trainers.fit.seeding import gpus, repeatable
from trainers.models.dropout import per_model_generators
from trainers.params import FitParams

History = list[dict[str, float]]


def fit_stacked(
    trainings: Sequence[Training], params: FitParams, *, device: torch.device | str = "cpu"
) -> list[History | TrainingError]:
    """Train tasks in place as `trainers.fit.loop.fit` trains each of them.

    Parameters
    ----------
    trainings
        Tasks of one architecture; data and seeds may differ, the number of recordings, too.

    Returns
    -------
    list
        For each training its history, or what stopped it: that of one stops no other.

    Raises
    ------
    TrainingError
        The tasks differ, or one cannot be mapped over.
    """
    device = indexed_device(device)
    moved = [replace(each, task=each.task.to(device), data=each.data.to(device)) for each in trainings]
    stack = _StackedTasks([each.task for each in moved])
    members = [_StackedTraining(place, each, start(each, params, device), device) for place, each in enumerate(moved)]
    for member in members:
        member.begin()
    active = members
    with repeatable(device), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # attention, on a CPU
        while active := [each for each in active if each.goes_on(params)]:
            _epoch(stack, active, params, device)
    stack.part()
    for member in members:
        member.training.task.eval()
    return [member.problem or member.state.history for member in members]


class _StackedTraining:
    """One training among others."""

    def __init__(self, place: int, training: Training, state: State, device: torch.device) -> None:
        self.place, self.training, self.state = place, training, state
        self.problem: TrainingError | None = None
        self.dropout = torch.Generator(device).manual_seed(training.seed)
        self.epoch: Epoch

    def begin(self) -> None:
        """Go on from the checkpoint, where there is one."""
        self.training.task.train()
        try:
            content = self.training.checkpoint.load() if self.training.checkpoint else None
            if content is not None:
                with self._global():
                    self.state.restore(content)
        except TrainingError as error:
            self.problem = error

    def goes_on(self, params: FitParams) -> bool:
        return self.problem is None and len(self.state.history) < params.epochs

    def end_epoch(self) -> None:
        try:
            with self._global():
                self.epoch.end(self.training)
        except TrainingError as error:
            self.problem = error

    @contextmanager
    def _global(self) -> Iterator[None]:
        """Let torch's global generator be this training's: checkpoints read and write that one."""
        cuda = self.dropout.device.type == "cuda"
        get, put = (torch.cuda.get_rng_state, torch.cuda.set_rng_state) if cuda else (_get, _put)
        with torch.random.fork_rng(gpus(self.dropout.device)):
            put(self.dropout.get_state(), self.dropout.device)
            yield
            self.dropout.set_state(get(self.dropout.device))


def _epoch(stack: _StackedTasks, members: Sequence[_StackedTraining], params: FitParams, device: torch.device) -> None:
    for member in members:
        member.epoch = Epoch(member.state, member.training.data, params)
    for number in range(max(len(member.epoch.batches) for member in members)):
        alike: defaultdict[int, list[_StackedTraining]] = defaultdict(list)  # batches of one size are one tensor
        for member in members:
            if number < len(member.epoch.batches):
                alike[len(member.epoch.batches[number])].append(member)
        for each in alike.values():
            _step(stack, each, number, params, device)
    for member in members:
        member.end_epoch()


def _step(
    stack: _StackedTasks, members: Sequence[_StackedTraining], number: int, params: FitParams, device: torch.device
) -> None:
    rows = [member.place for member in members]
    batch = _stacked([member.epoch.begin(number) for member in members])
    with autocast(params.precision, device), per_model_generators([member.dropout for member in members]):
        losses, logits, weights = stack.forward(rows, batch)
    scaled = [member.state.scaler.scale(loss) for member, loss in zip(members, losses, strict=True)]
    stack.backward(torch.stack(scaled).sum(), rows, weights)
    for member, loss, said, labels in zip(members, losses, logits, batch["labels"], strict=True):
        member.epoch.descend(loss, said, labels)


def _stacked(batches: Sequence[Batch]) -> Batch:
    """Put batches of one size on top of each other; what only some say to be valid, is valid in the others."""
    masks = {name: mask for batch in batches for name, mask in batch["valid"].items()}
    return {
        "inputs": {name: torch.stack([b["inputs"][name] for b in batches]) for name in batches[0]["inputs"]},
        "valid": {
            name: torch.stack([b["valid"].get(name, torch.ones_like(mask)) for b in batches])
            for name, mask in masks.items()
        },
        "labels": torch.stack([b["labels"] for b in batches]),
    }


class _TaskWithTeacher(nn.Module):
    """A task with the teacher that it hides, so that all tensors of both have names."""

    def __init__(self, task: nn.Module) -> None:
        super().__init__()
        self.task = task
        self.hidden = getattr(task, "teacher", None)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        output = self.task(batch)
        return output["loss"], output["logits"]


class _StackedTasks:
    """All models' tensors (M, ...) by name, of which the models' own are views."""

    def __init__(self, tasks: Sequence[nn.Module]) -> None:
        wholes = [_TaskWithTeacher(task) for task in tasks]
        every = [_tensors(whole) for whole in wholes]
        shapes = [{name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()} for tensors in every]
        if any(each != shapes[0] for each in shapes):
            raise TrainingError("models that differ cannot be trained together; train them one by one")
        trained = {name for name, weight in wholes[0].task.named_parameters(prefix="task") if weight.requires_grad}
        self._outline = copy.deepcopy(wholes[0]).to("meta")
        self._outline.task.train()
        self._wholes = wholes
        self._rows: dict[tuple[int, ...], Tensor] = {}
        self._statistics = [name for name, _ in wholes[0].task.named_buffers(prefix="task")]  # may change in training
        self._own = {name: [whole.get_parameter(name) for whole in wholes] for name in trained}
        self._fixed: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] = {}
        for name in every[0]:
            stacked = torch.stack([tensors[name].detach() for tensors in every])
            if name in trained:
                self._trained[name] = stacked.requires_grad_()
            else:
                self._fixed[name] = stacked
        for row, tensors in enumerate(every):
            for name, tensor in tensors.items():
                tensor.data = (self._trained if name in trained else self._fixed)[name].detach()[row]

    def forward(self, rows: list[int], batch: Batch) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        """Return the losses (m,) and logits (m, B, K) of some models on their batches, and the weights (m, ...)."""
        fixed, weights = self._fixed, self._trained
        some = self._some(rows) if len(rows) < len(self._wholes) else None
        if some is not None:
            fixed, weights = ({name: tensor[some] for name, tensor in each.items()} for each in (fixed, weights))

        def run(weights: Mapping[str, Tensor], fixed: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
            found: tuple[Tensor, Tensor] = functional_call(self._outline, {**weights, **fixed}, (batch,))
            return found

        try:
            losses, logits = torch.vmap(run)(weights, fixed, batch)
        except DEVICE_ERRORS:
            raise
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"this model or loss cannot be trained together with others ({str(error).splitlines()[0]}); "
                "train them one by one"
            ) from error
        if some is not None:
            for name in self._statistics:
                self._fixed[name][some] = fixed[name]
        return losses, logits, weights

    def backward(self, loss: Tensor, rows: list[int], weights: Mapping[str, Tensor]) -> None:
        """Hand each model the gradients of what `forward` used of it."""
        found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        for name, gradients in zip(weights, found, strict=True):
            own = self._own[name]
            # laid out as the weights are: fused updates need it
            each = [None] * len(rows) if gradients is None else gradients.contiguous().unbind()
            for row, gradient in zip(rows, each, strict=True):
                own[row].grad = gradient

    def _some(self, rows: list[int]) -> Tensor:
        """Return row numbers on the models' device; epoch after epoch they are the same few."""
        if (key := tuple(rows)) not in self._rows:
            device = next(iter(self._trained.values())).device
            self._rows[key] = torch.tensor(rows, device=device)
        return self._rows[key]

    def part(self) -> None:
        """Give each model tensors of its own again."""
        for whole in self._wholes:
            for tensor in _tensors(whole).values():
                tensor.data = tensor.data.clone()


def _tensors(whole: _TaskWithTeacher) -> dict[str, Tensor]:
    return {**dict(whole.named_parameters()), **dict(whole.named_buffers())}


def _get(_: torch.device) -> Tensor:
    return torch.get_rng_state()


def _put(state: Tensor, _: torch.device) -> None:
    torch.set_rng_state(state)
