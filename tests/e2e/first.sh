#!/usr/bin/env bash
# first.sh - the first five minutes: no configuration, an unknown host, an unknown key, then the queue and a tour; and completion.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux ssh-keygen wetread wetreadd wetreadctl
site_new okafor
coordinator_start
unset WETREAD_KNOWN_HOSTS WETREAD_DIR WETREAD_TOUR
mkdir -m 700 "$HOME/.ssh"
ssh-keygen -q -t ed25519 -N '' -C 'okafor@laptop' -f "$HOME/.ssh/id_ed25519"

TMUX_SOCK=wetread-$$
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
screen() { t capture-pane -p -J -S - -t c; }
sees() { screen | grep -qF -- "$1"; }
type() { t send-keys -t c -l -- "$1" && t send-keys -t c Enter; }
t new-session -d -s keep cat # or the server would end with a session, and race the next
t new-session -d -s c -x 100 -y 40 "exec env -u TMUX -u SSH_AUTH_SOCK TERM=tmux-256color WETREAD_KNOWN_HOSTS=$HOME/.ssh/known_hosts sh -c '\"$top_builddir/wetread\"; exec cat'"
wait_for 10 "it explains itself" sees "Type the coordinator's address" && ok "without a configuration it says what it is and asks where to"
type 'not an address'
wait_for 10 "a wrong address" sees "That did not work" && ok "what is no address is explained"
t clear-history -t c
type "ssh://okafor@127.0.0.1:1"
wait_for 10 "nobody there" sees "Connection refused" && ok "nobody there: it says so, and asks again"
type "ssh://okafor@127.0.0.1:$SSH_PORT"
wait_for 10 "the host's key" sees "SHA256:" || bail "a host key" "$(screen)"
print=$(ctl status 2>/dev/null | grep -o 'SHA256:[A-Za-z0-9+/]*' | head -1)
[ -n "$print" ] || print=$(grep -o 'SHA256:[A-Za-z0-9+/]*' "$E2E_DIR/site.log" | head -1)
holds "the host's key is shown to be compared" sees "$print"
type yes
wait_for 10 "the key is not known" sees "wetreadctl key add" || bail "a key that is not known" "$(screen)"
holds "a key that is not known: the line for the administrator" sees "$(cut -d' ' -f1,2 "$HOME/.ssh/id_ed25519.pub")"
ctl key add okafor "$HOME/.ssh/id_ed25519.pub" >/dev/null
t clear-history -t c
type "ssh://okafor@127.0.0.1:$SSH_PORT"
wait_for 10 "let in" sees "Come here by itself next time?" && ok "let in, it offers to remember where"
type yes
wait_for 10 "the tour" sees "A tour, 1 of 5" && ok "the first start shows a tour"
is "$(grep -v '^#' "$XDG_CONFIG_HOME/wetread/config")" "coordinator = ssh://okafor@127.0.0.1:$SSH_PORT" "the configuration has the address and nothing else"
is "$(stat -c %a "$XDG_CONFIG_HOME/wetread/config")" 600 "for its owner only"
for page in 2 3 4 5; do
	turn() { # again only after a while: a screen that has just come does not hear the first keys
		t send-keys -t c Enter
		for _ in {1..40}; do
			sees "A tour, $page of 5" && return
			sleep 0.05
		done
		return 1
	}
	wait_for 20 "page $page" turn
done
ok "its pages go on by Enter"
gone() { ! sees "A tour,"; }
leave() { t send-keys -t c Escape && gone; }
wait_for 10 "Esc leaves it" leave && ok "Esc leaves it"
t send-keys -t c -l q
t kill-session -t c
t new-session -d -s c -x 100 -y 40 "exec env -u TMUX -u SSH_AUTH_SOCK TERM=tmux-256color WETREAD_KNOWN_HOSTS=$HOME/.ssh/known_hosts '$top_builddir/wetread'"
wait_for 10 "the second start" sees "LIVE" && ok "the second start goes straight to the queue"
holds "without the tour" gone
t kill-session -t c

# ---- rules that are wrong are named before they are needed

printf 'quiet = nightly\nnotify = left<\n' >"$XDG_CONFIG_HOME/wetread/config"
like "$(wetread config check 2>&1)" "config: notify = left<: a value is missing" "a rule that cannot be read is explained"
like "$(wetread config check 2>&1)" "config: quiet = nightly: wanted is a time" "so are quiet hours"
fails 2 "and the exit status says so" wetread config check
mkdir -p "$XDG_CONFIG_HOME/wetread/views.d"
printf 'key = 3\nfiltre = hold\n' >"$XDG_CONFIG_HOME/wetread/views.d/nights.view"
like "$(wetread config check 2>&1)" "views.d/nights.view:2: there is no key 'filtre'; did you mean 'filter'" "a saved view is checked with its lines"
finish
