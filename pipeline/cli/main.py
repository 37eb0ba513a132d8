"""The command group, and how errors reach the user: one message, no traceback unless asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.groups import Commands
from pipeline.cli.told import WHAT, fold_errors
from pipeline.error_origin import describe_gpu_failure, describe_unforeseen
from pipeline.errors import PipelineError
from pipeline.plugins.places import name_places, place_of_error
from pipeline.terminal import guarded, lost
from store import check_environment, redact_secrets
from store.errors import StoreError, UnknownHome, UnsupportedUrl, WrongVariable
from trainers.errors import TrainingError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_SECTIONS = {  # of commands: what each is for, and an example
    "Begin": {
        "init": ("Look at a folder of recordings and write a stages file for it.", "init recordings -f mine.yaml"),
        "run": ("Run the steps that are not there yet, then print the results.", "run --until encode"),
        "tune": ("Search settings on inner folds of the training recordings.", "tune student --trials 40"),
    },
    "Look at what came out": {
        "results": ("Print every model's figures, over seeds.", "results --per-recording > predictions.csv"),
        "report": ("Write what came out as one HTML file.", "report -o report.html"),
        "runs": ("List what was run; keep runs, or drop them.", "runs keep 3 baseline"),
    },
    "Look at what goes in, and what would run": {
        "inspect": ("Look at the recordings, or at one as a model sees it.", "inspect --png source.png"),
        "graph": ("Draw the entries and what they need.", "graph --format svg > stages.svg"),
        "status": ("Show what would run, and why.", "status --set stages.student.model.width=32"),
        "explain": ("Say why a step would run, and what it is made of.", "explain 'teacher[subjects=odd,seed=0]'"),
    },
    "Carry it away": {
        "export": ("Write a trained model as one ONNX file that takes raw samples.", "export distilled -o models"),
        "predict": ("Print what an exported model says of recordings; needs no torch.", "predict model.onnx walk.csv"),
        "stream": (
            "Recognise activities in samples as they come.",
            "stream watch.onnx --window 2 --udp 127.0.0.1:9000 --decisions",
        ),
    },
    "Share": {
        "push": ("Copy outputs to a remote store.", "push encode --remote s3://bucket/features"),
        "pull": ("Copy outputs from the remote stores.", "pull encode"),
    },
    "Keep house": {
        "doctor": ("Look whether this machine has what a run needs.", "doctor -f mine.yaml"),
        "store": ("Look at what is in a store.", "store ls --stage train"),
        "verify": ("Check outputs byte by byte.", "verify --all --quarantine"),
        "gc": ("Show what no experiment uses, and free it with --yes.", "gc --grace 2d --yes"),
        "accept": ("Take changed code that gives the same values.", "accept teacher"),
        "completion": ("Print what makes bash, zsh or fish complete at a Tab.", "completion zsh"),
        "schema": ("Print a JSON Schema of stages files, for editors.", "schema > stages.schema.json"),
    },
}
_COMMANDS = {name: said for section in _SECTIONS.values() for name, said in section.items()}
_WORDS = {
    "entry": "ENTRY is a name under `stages:` in the stages file; `pipeline graph` lists them.",
    "what": WHAT,
}


class _Lazy(Commands):
    """Imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"pipeline.cli.commands.{cmd_name}").command
        command.name, (command.help, example) = cmd_name, _COMMANDS[cmd_name]
        taken = {str(param.metavar or param.name).strip("[].").lower() for param in command.params}
        words = [text for word, text in _WORDS.items() if word in taken]
        command.epilog = "\n\n".join([*words, f"Example: pipeline {example}"])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _COMMANDS))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{width}}", purpose) for name, (purpose, _) in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=said) for name, (said, _) in _COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked:
        from pipeline.version import version_text

        click.echo(version_text())
        ctx.exit()


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Own recordings begin with `pipeline init DIR`, the built-in sample with `pipeline init --dataset sample`. "
    "`pipeline COMMAND --help` says more of each. Pages that are named docs/... lie where `pipeline --version` says.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version,
    help="Show version, commit, and where the program lies, and exit.",
)  # fmt: skip
def group() -> None:
    """Encode, train, distil and evaluate models of human activity, each stage cached and resumable."""
    check_environment()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a step failed, 2 wrong usage or configuration, 130 stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if os.environ.get("_PIPELINE_COMPLETE"):  # a shell asks what can follow
        from pipeline.cli.completion.answer import answer

        answer(group, arguments)
        sys.exit(0)
    with guarded() as (out, err):
        if "--debug" not in arguments:  # a traceback's lines are code
            fold_errors(err)
        status = _run(arguments)
        if problem := lost(out):
            print(
                f"error: {problem}\n  what was to be printed is lost, and what was done stays: print to another place, "
                "or free space where it is full",
                file=sys.stderr,
            )
            status = status or 1
        sys.stderr.flush()
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run a command, print the error that ends it, and return the exit code."""
    try:
        status: Any = group.main(arguments, prog_name="pipeline", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show(usage := StringIO())
        print(redact_secrets(usage.getvalue()), end="", file=sys.stderr)
        return 2
    except (PipelineError, StoreError, TrainingError) as error:
        _print_error(f"{'store: ' if isinstance(error, UnsupportedUrl) else ''}{error}", arguments)
        if isinstance(error, PipelineError):
            return error.exit_code
        return 2 if isinstance(error, (UnsupportedUrl, UnknownHome, WrongVariable)) else 1
    except (KeyboardInterrupt, click.Abort):
        print("stopped: what is finished stays, run again to go on", file=sys.stderr)
        return 130
    except SystemExit as error:
        if not place_of_error(error):
            raise
        _print_error(describe_unforeseen(error), arguments)
        return 1
    except Exception as error:
        _print_error(_describe(error), arguments)
        return 1


def _print_error(problem: str, arguments: list[str]) -> None:
    if "--debug" in arguments:
        import traceback

        traceback.print_exc()
    print(f"error: {redact_secrets(name_places(problem))}", file=sys.stderr)


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        places = (place_of_error(error), error.filename, error.strerror)
        where = ": ".join(map(str, filter(None, places)))
        return f"{where}\n  check that the place is there, yours to use and not full; then run again"
    return describe_gpu_failure(error) or describe_unforeseen(error)
