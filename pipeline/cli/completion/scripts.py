"""What shells run at a Tab: each asks the program, which prints a line a reply: its kind, the text, and a word on it.

The kinds: ``plain``, ``open`` (no space after it), ``file`` and ``dir`` (the shell's own completion of these).
"""

from __future__ import annotations

VARIABLE = "_PIPELINE_COMPLETE"  # click's name for it

_BASH = """\
_pipeline_completion() {
    local IFS=$'\\t' kind text
    COMPREPLY=()
    while read -r kind text _; do
        case $kind in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            open) compopt -o nospace; COMPREPLY+=("$text") ;;
            plain) COMPREPLY+=("$text") ;;
        esac
    done < <(VARIABLE=bash "${1/#\\~\\//$HOME/}" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2> /dev/null)
}
complete -o nosort -F _pipeline_completion pipeline
"""

_ZSH = """\
#compdef pipeline
_pipeline_completion() {
    local kind text said
    local -a typed plain open
    typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)IPREFIX}${(Q)PREFIX}")
    while IFS=$'\\t' read -r kind text said; do
        case $kind in
            file) compset -P '*='; _files ;;
            dir) compset -P '*='; _files -/ ;;
            open) open+=("${text//:/\\\\:}${said:+:$said}") ;;
            plain) plain+=("${text//:/\\\\:}${said:+:$said}") ;;
        esac
    done < <(VARIABLE=zsh ${~words[1]} "${typed[@]}" 2> /dev/null)
    (( $#plain )) && _describe -V pipeline plain
    (( $#open )) && _describe -V pipeline open -S ''
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _pipeline_completion "$@"
else
    compdef _pipeline_completion pipeline
fi
"""

_FISH = """\
function __pipeline_completion
    set -l typed (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $typed[1])
    for line in (VARIABLE=fish $program $typed[2..-1] (commandline -ct) 2> /dev/null)
        set -l reply (string split \\t -- $line)
        switch $reply[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct) ''
            case '*'
                string join \\t -- $reply[2..-1]
        end
    end
end
complete --command pipeline --no-files --arguments '(__pipeline_completion)'
"""

SCRIPTS = {
    name: text.replace("VARIABLE", VARIABLE) for name, text in {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}.items()
}
INSTALL = {  # where the line belongs, and the line
    "bash": ("in ~/.bashrc", 'eval "$(pipeline completion bash)"'),
    "zsh": ("in ~/.zshrc, below compinit", "source <(pipeline completion zsh)"),
    "fish": ("once", "pipeline completion fish > ~/.config/fish/completions/pipeline.fish"),
}
