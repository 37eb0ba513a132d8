"""Several trainings of one kind as one: their weights are stacked, and `torch.vmap` runs the network once for all.

Folds and seeds of an experiment have the same network, and each is too small to keep a GPU busy. Every model keeps its
own batches, learning rate, random draws, optimiser and checkpoint, so each ends as it would have ended alone, up to the
rounding of products that are computed in another order. A training may go on alone from a stacked one's checkpoint.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainers.data.batch import Batch, Inputs
from trainers.data.device import indexed_device
from trainers.device_errors import is_device_error
from trainers.errors import TrainingError
from trainers.fit.batches import count_hits
from trainers.fit.captured_step import Figures, recorded_steps
from trainers.fit.checkpoint import State
from trainers.fit.loop import Epoch, History, Training, autocast, initial_state, resume, update
from trainers.fit.seeding import gpus, repeatable
from trainers.fit.validation import is_over
from trainers.models.dropout import per_model_generators
from trainers.params import FitParams


def fit_stacked(
    trainings: Sequence[Training], params: FitParams, *, device: torch.device | str = "cpu"
) -> list[History | TrainingError]:
    """Train tasks of one architecture in place as `trainers.fit.loop.fit` trains each of them.

    Data and seeds may differ, the number of recordings, too. With a patience, each stops by its own figures. Returns
    for each training its history, or what stopped it: that of one stops no other.

    Raises
    ------
    TrainingError
        The tasks differ, or one cannot be mapped over.
    """
    device = indexed_device(device)
    moved = [each.to(device) for each in trainings]
    stack = _StackedTasks([each.task for each in moved])
    members = [_StackedTraining(row, each, params, device) for row, each in enumerate(moved)]
    for member in members:
        member.resume()
    generators = [each for member in members for each in (member.state.noise, member.dropout)]
    with repeatable(device), recorded_steps(device, generators) as steps:
        while active := [member for member in members if member.is_active()]:
            for member in active:
                member.begin_epoch()
            for number in range(max(len(member.epoch.batches) for member in active)):
                for some in _alike(active, number):
                    stack.prepare(rows := [member.row for member in some])
                    batches = torch.stack([member.epoch.begin_step(number) for member in some])  # (m, B)
                    kind = (*rows, batches.shape[1])
                    figures = steps.run(kind, partial(_step, stack, some, params, device), batches)
                    for member, *each in zip(some, *figures, strict=True):
                        member.epoch.add_up(*each)
            for member in active:
                member.finish_epoch()
    stack.unstack()
    for member in members:
        member.state.load_result()
        member.training.task.eval()
    return [member.error or member.state.history for member in members]


def _alike(active: Sequence[_StackedTraining], number: int) -> Iterable[list[_StackedTraining]]:
    """Put those together that have batches of one size in a step of the epoch: these stack."""
    by_size: defaultdict[int, list[_StackedTraining]] = defaultdict(list)
    for member in active:
        if number < len(member.epoch.batches):
            by_size[len(member.epoch.batches[number])].append(member)
    return by_size.values()


def _step(
    stack: _StackedTasks, members: Sequence[_StackedTraining], params: FitParams, device: torch.device, rows: Tensor
) -> Figures:
    """Do one step of m trainings, each on its rows of (m, B); return losses and hits (m,)."""
    for member in members:
        member.state.optimiser.zero_grad(set_to_none=True)
    batch = _stacked(
        [member.training.data.batch(own, member.state.noise) for member, own in zip(members, rows, strict=True)]
    )  # (m, B, ...)
    numbers = [member.row for member in members]
    with autocast(params.precision, device), per_model_generators([member.dropout for member in members]):
        losses, logits, weights = stack.forward(numbers, batch)  # (m,), (m, B, K), (m, ...) by name
    scaled = [member.state.scaler.scale(loss) for member, loss in zip(members, losses, strict=True)]
    stack.backward(torch.stack(scaled).sum(), numbers, weights)
    for member in members:
        update(member.state, params)
    return losses.detach(), count_hits(logits, batch["labels"])


class _StackedTraining:
    """One training among others; `row` is its models' number in the stack, `error` what stopped it."""

    def __init__(self, row: int, training: Training, params: FitParams, device: torch.device) -> None:
        self.row, self.training, self._params = row, training, params
        self.state: State = initial_state(training, params, device)
        self.dropout = torch.Generator(device).manual_seed(training.seed)
        self.error: TrainingError | None = None
        self.epoch: Epoch

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one."""
        self.training.task.train()
        with self._own_errors(), self._own_generator():
            resume(self.training, self.state)

    def is_active(self) -> bool:
        return self.error is None and not is_over(self.state.history, self._params)

    def begin_epoch(self) -> None:
        self.epoch = Epoch(self.training, self.state, self._params)

    def finish_epoch(self) -> None:
        with self._own_errors(), self._own_generator():
            self.epoch.finish()

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """Keep an error for the result: that of one training stops no other."""
        try:
            yield
        except TrainingError as error:
            self.error = error

    @contextmanager
    def _own_generator(self) -> Iterator[None]:
        """Let torch's global generator be this training's: checkpoints read and write that one."""
        device = self.dropout.device
        with torch.random.fork_rng(gpus(device)):
            shared = torch.cuda.default_generators[device.index] if device.type == "cuda" else torch.default_generator
            shared.set_state(self.dropout.get_state())
            yield
            self.dropout.set_state(shared.get_state())


def _stacked(batches: Sequence[Batch]) -> Batch:
    """Put batches of one size on top of each other; what only some say to be valid, is valid in the others."""
    inputs, labels = _stacked_inputs(batches), torch.stack([b["labels"] for b in batches])
    stacked: Batch = {"inputs": inputs["inputs"], "valid": inputs["valid"], "labels": labels}
    if "shares" in batches[0]:
        stacked["shares"] = torch.stack([b["shares"] for b in batches])
    if "seen" in batches[0]:
        stacked["seen"] = _stacked_masks([b["seen"] for b in batches])
    if "teacher" in batches[0]:
        stacked["teacher"] = _stacked_inputs([b["teacher"] for b in batches])
    return stacked


def _stacked_inputs(batches: Sequence[Inputs]) -> Inputs:
    return {
        "inputs": {name: torch.stack([b["inputs"][name] for b in batches]) for name in batches[0]["inputs"]},
        "valid": _stacked_masks([b["valid"] for b in batches]),
    }


def _stacked_masks(of_batches: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    masks = {name: mask for each in of_batches for name, mask in each.items()}
    return {
        name: torch.stack([each.get(name, torch.ones_like(mask)) for each in of_batches])
        for name, mask in masks.items()
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
        pairs = [_TaskWithTeacher(task) for task in tasks]
        tensors_of = [_tensors(pair) for pair in pairs]
        shapes = [{name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()} for tensors in tensors_of]
        if any(each != shapes[0] for each in shapes):
            raise TrainingError("models that differ cannot be trained together; train them one by one")
        trained = {name for name, weight in pairs[0].task.named_parameters(prefix="task") if weight.requires_grad}
        self._outline = copy.deepcopy(pairs[0]).to("meta")
        self._outline.task.train()
        self._pairs = pairs
        self._rows: dict[tuple[int, ...], Tensor] = {}  # numbers of some models, but not of all
        self._statistics = [name for name, _ in pairs[0].task.named_buffers(prefix="task")]  # may change in training
        self._own = {name: [pair.get_parameter(name) for pair in pairs] for name in trained}
        self._fixed: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] = {}
        for name in tensors_of[0]:
            stacked = torch.stack([tensors[name].detach() for tensors in tensors_of])
            if name in trained:
                self._trained[name] = stacked.requires_grad_()
            else:
                self._fixed[name] = stacked
        for row, tensors in enumerate(tensors_of):
            for name, tensor in tensors.items():
                tensor.data = (self._trained if name in trained else self._fixed)[name].detach()[row]

    def prepare(self, rows: list[int]) -> None:
        """Bring the numbers of some models to their device, where they stay: they are the same few in every epoch."""
        if len(rows) < len(self._pairs) and tuple(rows) not in self._rows:
            self._rows[tuple(rows)] = torch.tensor(rows, device=next(iter(self._trained.values())).device)

    def forward(self, rows: list[int], batch: Batch) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        """Return the losses (m,) and logits (m, B, K) of some models on their batches, and the weights (m, ...)."""
        fixed, weights = self._fixed, self._trained
        chosen = self._rows.get(tuple(rows))
        if chosen is not None:
            fixed, weights = ({name: tensor[chosen] for name, tensor in each.items()} for each in (fixed, weights))

        def run(weights: Mapping[str, Tensor], fixed: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
            output: tuple[Tensor, Tensor] = functional_call(self._outline, {**weights, **fixed}, (batch,))
            return output

        try:
            losses, logits = torch.vmap(run)(weights, fixed, batch)
        except (RuntimeError, ValueError) as error:
            if is_device_error(error):
                raise
            raise TrainingError(
                f"this model or loss cannot be trained together with others ({str(error).splitlines()[0]}); "
                "train them one by one"
            ) from error
        if chosen is not None:
            for name in self._statistics:
                self._fixed[name][chosen] = fixed[name]
        return losses, logits, weights

    def backward(self, loss: Tensor, rows: list[int], weights: Mapping[str, Tensor]) -> None:
        """Hand each model the gradients of what `forward` used of it."""
        stacked = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        for name, gradients in zip(weights, stacked, strict=True):
            own = self._own[name]
            # laid out as the weights are: fused updates need it
            each = [None] * len(rows) if gradients is None else gradients.contiguous().unbind()
            for row, gradient in zip(rows, each, strict=True):
                own[row].grad = gradient

    def unstack(self) -> None:
        """Give each model tensors of its own again."""
        for pair in self._pairs:
            for tensor in _tensors(pair).values():
                tensor.data = tensor.data.clone()


def _tensors(pair: _TaskWithTeacher) -> dict[str, Tensor]:
    return {**dict(pair.named_parameters()), **dict(pair.named_buffers())}
