"""`make demo`: starts everything, plays the story, and stays up; `ONCE=1` ends after the story.

`SEED=large` tells a year of an organisation first: 2,000 people in 40 cohorts. Exit status 0 only
if every step held. Ctrl-C stops everything this started and nothing else.
"""

import asyncio
import os
import signal
import sys
import time

from rich.console import Console
from rich.table import Table

from infra.demo.deeds import NotSo
from infra.demo.story import Step, Story
from infra.demo.world import ORGANISATIONS, World
from infra.instance import Progress
from infra.problem import ServerProblem

console = Console(highlight=False)


def main() -> int:
    once = os.environ.get("ONCE", "") not in ("", "0")
    seed = os.environ.get("SEED", "")
    if seed not in ("", "small", "large"):
        console.print(f"[bold red]✗[/] SEED is {seed!r}: it may be small or large.")
        return 1
    try:
        return asyncio.run(_run(once, large=seed == "large"))
    except ServerProblem as problem:
        console.print(f"[bold red]✗[/] {problem}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.")
        return 130


async def _run(once: bool, *, large: bool) -> int:
    _stop_on_terminate()
    begun, apart = time.monotonic(), 0.0

    def show(progress: Progress) -> None:
        nonlocal apart
        apart += progress.seconds if progress.apart else 0.0
        note = " [dim](counted apart)[/]" if progress.apart else ""
        console.print(f"  [dim]{progress.seconds:5.1f} s[/]  {progress.what}{note}")

    console.print("[bold]Starting[/]")
    world = World("demo", progress=show, large=large)
    try:
        await world.start()
        held = await _play(world)
        total = time.monotonic() - begun
        console.print(
            f"\n{total - apart:.1f} s, and {apart:.1f} s for Keycloak beside it."
            if held
            else "\n[bold red]The story did not hold.[/]"
        )
        if held and not once:
            _show_addresses(world)
            await asyncio.Event().wait()
        return 0 if held else 1
    finally:
        console.print("[dim]Stopping what this started …[/]")
        await world.close()
        world.stop()


async def _play(world: World) -> bool:
    console.print("\n[bold]The story[/]")

    def tell(step: Step) -> None:
        console.print(f"[bold green]✓[/] [bold]{step.number}. {step.title}[/]", end="")
        console.print(f" [dim]{step.seconds:.1f} s[/]")
        for proof in step.proofs:
            console.print(f"    {proof}")

    try:
        await Story(world).play(tell)
    except NotSo as broken:
        console.print(f"[bold red]✗ does not hold:[/] {broken}")
        return False
    return True


def _show_addresses(world: World) -> None:
    table = Table(title="Look around", title_justify="left", show_header=False, box=None)
    public = world.settings.public_url
    table.add_row("The product", public)
    table.add_row("The LMS", world.lms.url)
    table.add_row("Caught mail", world.instance.mail.url)
    table.add_row("Keycloak", world.settings.keycloak_url)
    for organisation in ORGANISATIONS:
        for member in organisation.members:
            role = f"{organisation.slug}: {', '.join(member.roles)}"
            table.add_row(role, f"{public}/t/{organisation.slug}  {member.email}")
    table.add_row("Password of these", world.password)
    table.add_row("A learner", f"{world.lms.url}, “Launch”")
    console.print(table)
    console.print("Ctrl-C stops everything.")


def _stop_on_terminate() -> None:
    """SIGTERM ends as Ctrl-C does, so that nothing is left running."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    sys.exit(main())
