"""Groups of commands: a mistyped name is answered with the nearest one."""

from __future__ import annotations

import click


class Commands(click.Group):
    """A group that says which commands there are where it has none of a name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named first; UsageError names the nearest ones."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            from pipeline.stagesfile.schema import did_you_mean

            ctx.fail(f"No such command {args[0]!r}; {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)
