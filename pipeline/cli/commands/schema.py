"""``pipeline schema``."""

from __future__ import annotations

import json

import click


class _WithFirstLine(click.Command):
    """Says how an editor finds the schema."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("First line of a stages file beside it"):
            formatter.write(f"{'':{formatter.current_indent}}# yaml-language-server: $schema=stages.schema.json\n")
        super().format_epilog(ctx, formatter)


@click.command(cls=_WithFirstLine)
def command() -> int:
    """Print a JSON Schema of stages files, by which an editor completes keys and marks mistakes."""
    from pipeline.schema.stages_file import stages_file_schema

    print(json.dumps(stages_file_schema(), indent=1, ensure_ascii=False))
    return 0
