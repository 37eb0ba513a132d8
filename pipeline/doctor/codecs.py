"""Whether video can be decoded: PyAV, FFmpeg and its decoders."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.doctor.finding import Finding, note, ok, problem

TOPIC = "video"
DECODERS = ("h264", "hevc", "av1", "mpeg4", "mjpeg")


def find() -> Iterator[Finding]:
    """Import PyAV, and ask for each decoder."""
    try:
        import av
        from av.codec import Codec
        from av.codec.codec import UnknownCodecError
        from av.codec.hwaccel import hwdevices_available
    except Exception as error:  # a shared library that does not fit raises what it likes
        repair = "install it again: python -m pip install --force-reinstall av"
        yield problem(TOPIC, f"PyAV cannot be imported ({type(error).__name__}: {error}): no video is read", repair)
        return
    yield ok(TOPIC, f"PyAV {av.__version__}, FFmpeg {getattr(av, 'ffmpeg_version_info', 'of unknown version')}")
    there, missing = [], []
    for name in DECODERS:
        try:
            Codec(name, "r")
            there.append(name)
        except UnknownCodecError:
            missing.append(name)
    yield ok(TOPIC, f"decoders: {', '.join(there) or 'none'}")
    if missing:
        repair = "PyAV's wheels of PyPI have all: python -m pip install --force-reinstall --only-binary av av"
        yield problem(TOPIC, f"no decoder for {', '.join(missing)}", repair)
    hardware = hwdevices_available()
    if hardware:
        yield ok(TOPIC, f"built to decode in hardware by: {', '.join(hardware)}")
    else:
        yield note(
            TOPIC, "built without decoding in hardware", "cores decode; on a GPU machine take PyAV's wheel of PyPI"
        )
