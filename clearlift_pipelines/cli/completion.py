"""`clearlift completion`: what makes a shell complete commands, options and their values."""

import click
from click.shell_completion import get_completion_class

from clearlift_pipelines.cli import entry

VARIABLE = "_CLEARLIFT_COMPLETE"  # click's name for a program of this name


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which a SHELL completes `clearlift`.

    \b
    Example: clearlift completion bash >> ~/.bashrc
    Example: clearlift completion zsh >> ~/.zshrc
    Example: clearlift completion fish > ~/.config/fish/completions/clearlift.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click brings these three
    click.echo(found(entry.cli, {}, "clearlift", VARIABLE).source())
