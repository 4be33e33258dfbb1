#!/usr/bin/env bash
# completion.sh - bash, zsh and fish themselves complete what the tables have, from the files that are installed.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux bash zsh fish wetread
dir=$top_builddir/completions
for file in bash/wetread zsh/_wetread fish/wetread.fish; do
	holds "$file is what the program prints" diff "$dir/$file" <(wetread --completion "${file%%/*}")
done

# ---- bash: the function itself

complete_bash() { # complete_bash WORD...: the last is the one that is being typed
	bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wetread; printf "%s\n" "${COMPREPLY[@]}"' - "$dir/bash/wetread" "$@"
}
is "$(complete_bash wetread fini)" finish "bash: a command"
like "$(complete_bash wetread --rec)" '^--record$' "bash: an option of the console"
is "$(complete_bash wetread finish 48011930 --as '')" $'prelim\nfinal' "bash: the words of an argument"
is "$(complete_bash wetread -c unix:/x dut)" duty "bash: behind an option with a value"
is "$(complete_bash wetread duty '' | grep -c '^on$')" 1 "bash: the words of a command"
touch "$E2E_DIR/a-record"
is "$(cd "$E2E_DIR" && complete_bash wetread --play a-rec)" a-record "bash: a file, where a file is wanted"
missing=$(wetread --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort -u | while read -r word; do
	[ "$(complete_bash wetread "$word" | grep -cx "$word")" -ge 1 ] || echo "$word"
done)
is "$missing" "" "bash: every command of the help"

# ---- fish: asked for its candidates

complete_fish() { fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$dir/fish/wetread.fish" "$1" 2>&1 | cut -f1; }
is "$(complete_fish 'wetread fini')" finish "fish: a command"
like "$(complete_fish 'wetread --rec')" '^--record$' "fish: an option"
is "$(complete_fish 'wetread duty o')" $'off\non' "fish: the words of a command"

is "$(cd "$E2E_DIR" && complete_fish 'wetread --play a-rec')" a-record "fish: a file, where a file is wanted"

# ---- zsh: at its own prompt

mkdir -p "$E2E_DIR/z"
printf 'fpath=(%q $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPS1="%%%% "\nunsetopt beep\n' "$dir/zsh" >"$E2E_DIR/z/.zshrc"
TMUX_SOCK=wetread-$$
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
t new-session -d -s z -x 120 -y 40 "exec env -u TMUX ZDOTDIR='$E2E_DIR/z' TERM=tmux-256color PATH='$PATH' zsh -d -i"
sees() { t capture-pane -p -t z | grep -qE -- "$1"; }
tried() { # tried TYPED WANTED WHAT
	t send-keys -t z C-u C-l
	t send-keys -t z -l -- "$1"
	t send-keys -t z Tab
	wait_for 15 "$3" sees "$2" && ok "$3"
}
wait_for 15 "a prompt of zsh" sees '^%' || bail "zsh" "$(t capture-pane -p -t z)"
tried 'wetread fini' '^% wetread finish' "zsh: a command"
tried 'wetread --rec' '^% wetread --record' "zsh: an option"
tried 'wetread duty of' '^% wetread duty off' "zsh: the words of a command"
finish
