"""``pipeline completion``."""

from __future__ import annotations

import click

from pipeline.cli.completion.scripts import INSTALL, SCRIPTS


class _WithInstallLines(click.Command):
    """Says how each shell is told."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for shell, (where, line) in INSTALL.items():
            with formatter.section(f"{shell}, {where}"):
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        super().format_epilog(ctx, formatter)


@click.command(cls=_WithInstallLines)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> int:
    """Print the script that makes a shell complete commands, options and names at a Tab."""
    print(SCRIPTS[shell], end="")
    return 0
