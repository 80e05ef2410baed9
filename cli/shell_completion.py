"""Command `./vectora completion`: the script that makes a shell complete commands, options and names."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import print_lines, report_errors
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import UnknownWordError

# Each script calls the program as it was typed, so that it completes the names of that checkout.
# bash finds a completion by the last part of the command's path (bash manual, "Programmable Completion").
BASH = """\
_vectora_completion() {
    local IFS=$'\\n' program=${1/#\\~\\//$HOME/}
    COMPREPLY=($("$program" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _vectora_completion vectora
"""
# zsh does the same in `_dispatch` (zsh-completions, zshcompsys).
ZSH = """\
#compdef vectora
_vectora() {
    local -a found
    found=("${(@f)$("${words[1]/#\\~\\//$HOME/}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _vectora vectora
"""
FISH = """\
function __vectora_complete
    set -l typed (commandline --tokenize --cut-at-cursor --current-process)
    set -l program (string replace --regex '^~/' "$HOME/" -- $typed[1])
    set -e typed[1]
    $program __complete $typed (commandline --current-token --cut-at-cursor) 2>/dev/null
end
complete --command vectora --condition 'test -n "$(__vectora_complete)"' --no-files --arguments '(__vectora_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@report_errors
def completion(
    shell: Annotated[str, typer.Argument(help=f"Your shell: {', '.join(SCRIPTS)}.", show_default=False)],
) -> None:
    """Print the script with which a shell completes commands, options, environments and clients.

    For bash, add to ~/.bashrc: source <(/path/to/vectora completion bash). For zsh the same with zsh in ~/.zshrc, after
    compinit. For fish, write it to ~/.config/fish/completions/vectora.fish.

    The script runs vectora as you type it, also through a link of that name.
    """
    if shell not in SCRIPTS:
        raise UnknownWordError(unknown_name("shell", shell, SCRIPTS))
    print_lines(SCRIPTS[shell])
