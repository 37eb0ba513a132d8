"""The card of an exported model: what goes in, what comes out, and where it comes from. It lies in the file itself.

Neither torch nor NumPy: whoever runs a model reads this.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec

METADATA = "harvest.card"  # the key under which an ONNX file has its card, as JSON
DIGEST = "harvest.sha256"  # ... and the digest of the whole file with zeros in place of this value

Positive = Annotated[int, msgspec.Meta(ge=1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class StreamInput(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of raw samples, which is two inputs of the graph: its values, and ``NAME_time``, seconds.

    Attributes
    ----------
    name
        Of the stream and the input. Values are float32 (B, T, *sample), times float64 (B, T), not decreasing; only
        their differences matter. Where recordings of a batch differ in length, the shorter ones repeat their last
        sample and its time.
    sample
        Shape of one sample: (channels,), or (joints, 3) of a skeleton.
    rate
        Nominal samples a second.
    timed
        Whether recordings of training had times of their own; else they were taken as evenly spaced at `rate`.
    channels
        Names, in order, where the source knows them.
    unit
        Of the values, where the source knows it.
    shortest
        Least number of samples of a recording in training.
    low, high
        Least and greatest values of each channel (of a skeleton each axis) in training, but for 1 in 1000 at
        either end.
    """

    name: str
    sample: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1, max_length=2)]
    rate: Rate
    timed: bool = False
    channels: tuple[str, ...] = ()
    unit: str = ""
    shortest: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What a modality needs of its streams.

    Attributes
    ----------
    modality
        Its name.
    streams
        Which it is made of.
    align
        ``resample``: a recording of any length is stretched to one length; ``truncate``: its first `seconds` count, and
        it must not be shorter; ``pad``: the same, but a shorter one has fewer windows.
    seconds
        From the first sample that counts to the last; 0 where any length will do.
    """

    modality: str
    streams: tuple[str, ...]
    align: Literal["resample", "truncate", "pad"]
    seconds: float = 0.0


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a model file says of itself.

    Attributes
    ----------
    model, step, key
        The entry of the stages file, its step, and the key of the trained model.
    dataset
        What the source is called.
    source
        The ``source`` section of the stages file, without where the data lies.
    protocol, trained_on
        How recordings were divided, and on how many and whose the model was trained.
    window
        Seconds of each recording in training, where all are about as long; else 0.
    classes
        In the order of the output ``probabilities``, float32 (B, K).
    streams, spans
        What goes in, and how much of it is needed.
    parameters, multiply_adds
        Of the network, for one recording.
    precision
        ``fp32`` or ``int8``.
    figures
        What was measured of the model under its protocol, by name.
    program
        Which version exported it.
    """

    format: Literal[1] = 1
    model: str
    step: str
    key: str
    dataset: str
    source: dict[str, Any] = {}
    protocol: str = ""
    trained_on: dict[str, Any] = {}
    window: float = 0.0
    classes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    streams: Annotated[tuple[StreamInput, ...], msgspec.Meta(min_length=1)]
    spans: tuple[Span, ...]
    parameters: int = 0
    multiply_adds: int = 0
    precision: Literal["fp32", "int8"] = "fp32"
    figures: dict[str, Any] = {}
    program: str = ""


def time_input(stream: str) -> str:
    """Return the name of the input with a stream's times."""
    return f"{stream}_time"


def encode_card(card: Card) -> str:
    """Write a card as JSON."""
    return msgspec.json.encode(card).decode()


def decode_card(text: str | bytes) -> Card:
    """Read a card; ValueError says where it is none."""
    return msgspec.json.decode(text, type=Card)


UNSEALED = "0" * 64


def sealed(content: bytes) -> bytes:
    """Return a file, whose `DIGEST` is `UNSEALED`, with its digest."""
    before, zeros, after = content.rpartition(UNSEALED.encode())
    assert zeros
    return b"".join([before, sha256(content).hexdigest().encode(), after])


def is_damaged(content: bytes, digest: str) -> bool:
    """Tell whether a file is not the one that its digest is of."""
    return sha256(content.replace(digest.encode(), UNSEALED.encode())).hexdigest() != digest
