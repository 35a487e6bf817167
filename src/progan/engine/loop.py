"""The trainer: steps through a plan, and holds everything that must survive.

One step, in words: where are we in the plan → entering a stage? reset and begin it → for each
turn that is due: draw or reuse the batch, seed, play → move the averages → count.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer as TorchOptimizer

from progan.core import distributed
from progan.core.batch import Batch
from progan.core.errors import CheckpointError, ConfigError, RoomError
from progan.core.faults import Faults
from progan.core.plan import Plan, Progress, Stage, size_text
from progan.core.randomness import seed_of
from progan.core.system import JointTurn, System, Turn
from progan.engine.average import Averages
from progan.engine.functional import Functional
from progan.engine.pieces import (
    MicroBatch,
    micro_batch_at,
    micro_batch_from_plain,
    micro_batch_to_plain,
    parts_of,
    piece_sizes,
    with_limit,
)
from progan.engine.play import NoMemoryError, Played, make_optimizer, play
from progan.engine.precision import Precision, float32_products
from progan.engine.scaling import LossScale

__all__ = ["Draws", "State", "StepResult", "Trainer"]

COUNT = "step"
"""What torch's optimizers call how often they have moved a parameter."""


class Draws(Protocol):
    """Where real images come from: a pure function of the image numbers."""

    def batch(self, numbers: range, resolution: Any) -> Batch:
        """The images with these numbers, at this resolution."""
        ...


@dataclass
class State:
    """All that must survive: tensors by name, and counters that JSON can hold."""

    tensors: dict[str, Tensor]
    counters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepResult:
    """What one step did."""

    at: Progress
    """The moment the step was played at."""
    entered: bool
    """Whether it entered a stage."""
    terms: Mapping[str, Tensor]
    finite: bool
    pieces: tuple[int, int]
    """Pictures per backward pass before the step and after it: fewer when memory ran out."""


class Trainer:
    """Plays a system through its plan.

    Everything random is a function of (seed, purpose, turn, shard, step), and the real images of
    a step are a function of how many were drawn before: a trainer that loads a `State` goes on
    with the same bits as the one that saved it.
    """

    def __init__(
        self,
        system: System[Any],
        data: Draws,
        *,
        plan: Plan | None = None,
        seed: int = 0,
        shards: int = 1,
        micro_batch: MicroBatch = None,
        precision: Precision = "fp32",
        tf32: bool = False,
        compiled: bool = False,
        device: torch.device | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.system = system
        self.data = data
        self.plan = plan or system.plan()
        self.seed = seed
        self.shards = shards
        self.micro_batch: MicroBatch = micro_batch
        """Most pictures per backward pass; when memory runs out it becomes smaller."""
        self.precision: Precision = precision
        self.tf32 = tf32
        self.scale = LossScale()
        """Of losses in fp16."""
        self.form = Functional(system) if compiled else None
        self.device = device or torch.device("cpu")
        self.faults = faults or Faults()
        distributed.broadcast(system)
        self.players = dict(system.players())
        self.optimizers = self._fresh_optimizers()
        self.averages = Averages(system)
        self.images = 0
        self.steps = 0
        self.entered = -1
        self.skipped = 0
        self.skipped_in_a_row = 0
        self.recoveries = 0
        self.rate = 1.0
        """Factor on every learning rate; a recovery halves it."""
        if system.joint_statistics and (shards != distributed.world()):
            raise ConfigError(
                f"statistics is all, for which each process has one shard, but this run has "
                f"{shards} shards on {distributed.world()} "
                f"process{'es' * (distributed.world() > 1)}: --set statistics=shard, or as many "
                f"processes: torchrun --nproc-per-node {shards} -m progan train …"
            )
        for stage in self.plan.stages:
            if system.joint_statistics and stage.batch % shards:
                raise ConfigError(
                    f"statistics is all, for which shards are alike, but batch {stage.batch} "
                    f"cannot be cut into {shards}: "
                    f"--set batch={-(-stage.batch // shards) * shards}"
                )
            if stage.batch < shards:
                raise ConfigError(
                    f"batch {stage.batch} at {stage.resolution} px cannot be cut into {shards} "
                    f"shards; use --set train.shards={stage.batch} and at most as many processes, "
                    "or a larger batch."
                )
            pictures = stage.batch // shards
            limit = micro_batch_at(micro_batch, stage.resolution)
            if pictures // parts_of(pictures, limit) < system.least:
                cut = f" in {shards} shards" if shards > 1 else ""
                small = "" if limit is None else f", micro-batches of at most {limit}"
                raise ConfigError(
                    f"batch {stage.batch}{cut}{small}: that leaves fewer than the {system.least} "
                    f"pictures at a time that {type(system).__name__} needs, at "
                    f"{stage.resolution} px; use a larger batch, even, or no --set "
                    "train.micro_batch."
                )

    @property
    def at(self) -> Progress:
        """Where training is now."""
        return self.plan.at(self.images, self.steps)

    @property
    def done(self) -> bool:
        """Whether the plan is at its end."""
        return self.images >= self.plan.images

    def _fresh_optimizers(self) -> dict[str, TorchOptimizer]:
        return {name: make_optimizer(player) for name, player in self.players.items()}

    def _draw(self, first: int, at: Progress) -> dict[int, Batch]:
        """The shards this process owns of the batch that begins at image number `first`."""
        batches = {}
        for shard in distributed.owned(self.shards):
            rows = distributed.piece(at.batch, self.shards, shard)
            numbers = range(first + rows.start, first + rows.stop)
            batches[shard] = self.data.batch(numbers, at.resolution)
        return batches

    def _enter(self, at: Progress) -> None:
        if at.stage.fresh_optimizers:
            self.optimizers = self._fresh_optimizers()
        if self.system.settles:
            self.averages.settle(self._resting(self.system.turns(at)))
        torch.manual_seed(seed_of(self.seed, "begin_stage", at.index))
        whole = self.data.batch(range(self.images, self.images + at.batch), at.resolution)
        with torch.no_grad():
            self.system.begin_stage(whole, at)
        distributed.broadcast(self.system)
        self.entered = at.index

    def twin(self, data: Draws, plan: Plan, *, micro_batch: MicroBatch) -> Trainer:
        """A throw-away trainer of a copy of the system, to measure with: never compiled."""
        twin = Trainer(
            copy.deepcopy(self.system),
            data,
            plan=plan,
            seed=self.seed,
            shards=self.shards,
            micro_batch=micro_batch,
            precision=self.precision,
            tf32=self.tf32,
            device=self.device,
        )
        twin.scale.load(self.scale.plain())
        return twin

    def step(self) -> StepResult:
        """Play every turn that is due at this moment."""
        with float32_products(tf32=self.tf32):
            return self._step()

    def _step(self) -> StepResult:
        at = self.at
        entering, piece = at.index != self.entered, self.piece(at)
        if entering:
            self._enter(at)
        start = self.images
        batch: dict[int, Batch] | None = None
        terms: dict[str, Tensor] = {}
        finite = True
        turns = self.system.turns(at)
        for number, turn in enumerate(turns):
            if self.steps % turn.every:
                continue
            for repeat in range(turn.repeat):
                if turn.draws or batch is None:
                    batch = self._draw(self.images, at)
                    self.images += at.batch
                played = self._play(turn, batch, at, number, repeat)
                terms.update(played.terms)
                finite = finite and played.finite
        if finite:
            self.averages.update(self.images - start, self.steps, self._resting(turns))
            self.skipped_in_a_row = 0
        else:
            self.skipped += 1
            self.skipped_in_a_row += 1
        self.steps += 1
        if self.precision == "fp16":
            terms["loss_scale"] = torch.tensor(self.scale.value)
        return StepResult(at, entering, terms, finite, (piece, self.piece(at)))

    def _resting(self, turns: Sequence[Turn[Any] | JointTurn[Any]]) -> set[nn.Parameter]:
        """Parameters of the players who have none of these turns."""
        playing = {name for turn in turns for name in turn.players}
        if playing == self.players.keys():
            return set()

        def owned(names: Iterable[str]) -> set[nn.Parameter]:
            return {weight for name in names for weight in self.players[name].parameters}

        return owned(self.players) - owned(playing)

    def _play(
        self, turn: Turn[Any] | JointTurn[Any], batch: dict[int, Batch], at: Progress, *words: int
    ) -> Played:
        """Play a turn; the same again in smaller pieces when memory runs out, and in fp16 at a
        smaller scale when a gradient was not finite."""
        scaled = self.precision == "fp16"
        while True:
            try:
                played = play(
                    self.system,
                    turn,
                    self.players,
                    self.optimizers,
                    batch,
                    at,
                    seed_words=(self.seed, "turn", *words, self.steps),
                    shard_count=self.shards,
                    micro_batch=micro_batch_at(self.micro_batch, at.resolution),
                    precision=self.precision,
                    device=self.device,
                    rate=self.rate,
                    faults=self.faults,
                    scale=self.scale.value if scaled else 1.0,
                    form=self.form,
                )
                if not (scaled and self.scale.again(played.finite)):
                    return played
                continue
            except NoMemoryError:
                pass  # and let go of what the attempt holds
            self._shrink(at)

    def piece(self, at: Progress) -> int:
        """Pictures per backward pass at a moment."""
        share = self.share(at.batch)
        return share // parts_of(share, micro_batch_at(self.micro_batch, at.resolution))

    def share(self, batch: int) -> int:
        """Pictures of a shard of a batch; of the largest one."""
        return -(-batch // self.shards)

    def _shrink(self, at: Progress) -> None:
        """Take the next smaller micro-batch at the resolution of `at`."""
        now = self.piece(at)
        sizes = piece_sizes(self.share(at.batch), self.system.group, self.system.least)
        smaller = next((size for size in sizes if size < now), None)
        if smaller is None:
            raise RoomError(
                f"Out of memory at {size_text(at.resolution)} px with batch {at.batch}, even in "
                f"micro-batches of {now}. Less is taken by --set "
                "train.checkpoint_activations=true, or by a lower --resolution."
            )
        self.micro_batch = with_limit(self.micro_batch, at.resolution, smaller, self.plan)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def state(self) -> State:
        """Everything that must survive. Tensors are shared, not copied: write them at once."""
        tensors = {f"system/{name}": value for name, value in self.system.state_dict().items()}
        for module, average in self.averages.modules.items():
            for name, value in average.state_dict().items():
                tensors[f"average/{module}/{name}"] = value
        names: dict[Tensor, str] = {p: name for name, p in self.system.named_parameters()}
        for player, optimizer in self.optimizers.items():
            for parameter, memory in optimizer.state.items():
                for key, value in memory.items():
                    tensors[f"optimizer/{player}/{key}/{names[parameter]}"] = value
        counters = {
            "images": self.images,
            "steps": self.steps,
            "entered": self.entered,
            "skipped": self.skipped,
            "skipped_in_a_row": self.skipped_in_a_row,
            "recoveries": self.recoveries,
            "rate": self.rate,
            "micro_batch": micro_batch_to_plain(self.micro_batch),
            "loss_scale": self.scale.plain(),
            "plan": [stage_to_plain(stage) for stage in self.plan.stages],
        }
        return State(tensors, counters)

    def load_state(self, state: State) -> None:
        """Go on from `state`: the same bits as the trainer that gave it."""
        groups: dict[str, dict[str, Tensor]] = {"system": {}, "average": {}, "optimizer": {}}
        for name, value in state.tensors.items():
            kind, _, rest = name.partition("/")
            groups.setdefault(kind, {})[rest] = value
        try:
            self.system.load_state_dict(groups["system"])
            for module, average in self.averages.modules.items():
                prefix = f"{module}/"
                average.load_state_dict(
                    {
                        name.removeprefix(prefix): value
                        for name, value in groups["average"].items()
                        if name.startswith(prefix)
                    }
                )
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(
                f"This checkpoint does not fit {type(self.system).__name__} as configured: "
                f"{reason} Resume with the recipe the run was started with."
            ) from error
        self._load_optimizers(groups["optimizer"])
        counters = state.counters
        self.plan = Plan(tuple(stage_from_plain(stage) for stage in counters["plan"]))
        self.images, self.steps = counters["images"], counters["steps"]
        self.entered, self.rate = counters["entered"], counters["rate"]
        self.skipped, self.skipped_in_a_row = counters["skipped"], counters["skipped_in_a_row"]
        self.recoveries = counters["recoveries"]
        if "micro_batch" in counters:  # files of 0.1 do not say it
            self.micro_batch = micro_batch_from_plain(counters["micro_batch"])
        if "loss_scale" in counters:
            self.scale.load(counters["loss_scale"])

    def _load_optimizers(self, tensors: Mapping[str, Tensor]) -> None:
        self.optimizers = self._fresh_optimizers()
        parameters = dict(self.system.named_parameters())
        for name, value in tensors.items():
            player, key, parameter = name.split("/", 2)
            if player not in self.optimizers or parameter not in parameters:
                raise CheckpointError(
                    f"This checkpoint holds the optimizer of {player}/{parameter}, which this "
                    "system does not have. Resume with the recipe the run was started with."
                )
            owner = parameters[parameter]
            if key != COUNT and value.shape != owner.shape:
                raise CheckpointError(
                    f"This checkpoint's {key} of {parameter} has shape {tuple(value.shape)}, not "
                    f"{tuple(owner.shape)}. Resume with the recipe the run was started with."
                )
            optimizer = self.optimizers[player]
            if key != COUNT:
                kept = torch.empty_like(owner, requires_grad=False)
            else:  # a fused optimizer counts where the parameter lies, others on the CPU
                fused = optimizer.param_groups[0].get("fused")
                kept = torch.empty_like(value, device=owner.device if fused else "cpu")
            optimizer.state[owner][key] = kept.copy_(value)


def stage_to_plain(stage: Stage) -> dict[str, Any]:
    """A stage as JSON and YAML hold it."""
    size = stage.resolution
    return {
        "name": stage.name,
        "images": stage.images,
        "resolution": size if isinstance(size, int) else list(size),
        "batch": stage.batch,
        "fade": stage.fade,
        "fresh_optimizers": stage.fresh_optimizers,
    }


def stage_from_plain(plain: Mapping[str, Any]) -> Stage:
    """Read what `stage_to_plain` wrote."""
    size = plain["resolution"]
    return Stage(**{**plain, "resolution": size if isinstance(size, int) else tuple(size)})
