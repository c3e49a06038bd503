"""`slipway completion`: the script by which a shell completes commands, options, environments and selectors.

The scripts ask `slipway` itself, as typer answers them: _SLIPWAY_COMPLETE says that a shell asks, and which.
"""

from __future__ import annotations

import os
from typing import Annotated, Final, Literal

import typer
from typer._completion_classes import (
    completion_init,
)  # typer itself calls it where it adds options of its own

_ASKED: Final = "_SLIPWAY_COMPLETE"

_BASH: Final = r"""
_slipway() {
    # bash splits words at @ and :, which belong to a selector: the line is split at blanks instead, and what bash
    # takes for the words before is cut off each answer.
    local line="${COMP_LINE:0:COMP_POINT}" word before
    local -a words
    read -r -a words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    word="${words[${#words[@]}-1]}"
    before="${word%"${word##*[@:]}"}"
    local IFS=$'\n'
    COMPREPLY=($(COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) _SLIPWAY_COMPLETE=complete_bash "$1" 2>/dev/null))
    [[ "$COMP_WORDBREAKS" == *@* ]] && COMPREPLY=("${COMPREPLY[@]#"$before"}")
    return 0
}
complete -o default -F _slipway slipway
"""

_ZSH: Final = r"""
#compdef slipway
_slipway() {
    eval "$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _SLIPWAY_COMPLETE=complete_zsh slipway 2>/dev/null)"
}
compdef _slipway slipway
"""

_FISH: Final = r"""
function __slipway_complete
    env _SLIPWAY_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \
        _TYPER_COMPLETE_ARGS=(commandline -cp) slipway 2>/dev/null
end
complete --command slipway --no-files --arguments "(__slipway_complete get-args)" \
    --condition "__slipway_complete is-args"
"""

_SCRIPTS: Final = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}


def completion(
    shell: Annotated[Literal["bash", "fish", "zsh"], typer.Argument(help="For which shell.")],
) -> None:
    """Print the script that completes commands, options, environments and selectors.

    bash: eval "$(slipway completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc, after compinit; fish:
    slipway completion fish > ~/.config/fish/completions/slipway.fish
    """
    typer.echo(_SCRIPTS[shell].strip())


def answer_shells() -> None:
    """Lets typer answer the shell that asks, if one does."""
    if _ASKED in os.environ:
        completion_init()
