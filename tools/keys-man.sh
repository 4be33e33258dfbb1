#!/bin/sh
# keys-man.sh - writes wetread-keys(5) from tbl/keymap.def, tbl/action.def, tbl/screen.def and tbl/command.def.
#
#   tools/keys-man.sh SRCDIR >man/wetread-keys.5
#   tools/keys-man.sh --check SRCDIR      fails if the page is not what the tables say (`make check` runs this)
set -eu
check=
[ "${1:-}" = --check ] && check=yes && shift
src=${1:-${srcdir:-.}}

page() {
	cat <<'END'
.\" Written by tools/keys-man.sh from the tables: change those.
.Dd November 21, 2026
.Dt WETREAD-KEYS 5
.Os
.Sh NAME
.Nm wetread-keys
.Nd keys of the wetread console
.Sh DESCRIPTION
What each key of
.Xr wetread 1
does, by screen.
A name such as
.Sy C-d
is a key with Control; two characters are two keys, one after the other.
.Sy \&?
shows the keys of the screen in front of you, with the reason where one does nothing for your role.
.Pp
Bound to nothing on purpose:
.Sy d , x , e ,
.Sy C-a , C-b
.Pq screen, tmux ,
.Sy C-s , C-q
.Pq flow control ,
and every key with Alt.
END
	for context in ALL TABLE STUDIES BACK $(sed -n 's/^SCREEN(\([A-Z]*\),.*/\1/p' "$src/tbl/screen.def"); do
		case $context in
		ALL) title='Everywhere' ;;
		TABLE) title='Where there are rows' ;;
		STUDIES) title='Where a study is under the cursor' ;;
		BACK) title='Everywhere but the queue' ;;
		*) title=$(sed -n "s/^SCREEN($context,.*\"\([^\"]*\)\")\$/\1/p" "$src/tbl/screen.def" |
			awk '{ print toupper(substr($0, 1, 1)) substr($0, 2) }') ;;
		esac
		grep -q "^BIND($context," "$src/tbl/keymap.def" || continue
		printf '.Ss %s\n.Bl -tag -width "xxxxxxxx"\n' "$title"
		awk -v context="$context" '
			function field(line, n,   i, out) { # the n-th quoted string
				for (i = 0; i < n; i++) {
					if (!match(line, /"([^"\\]|\\.)*"/)) return ""
					out = substr(line, RSTART + 1, RLENGTH - 2)
					line = substr(line, RSTART + RLENGTH)
				}
				return out
			}
			function safe(s) {
				if (s == "\\\\") return "\\e"
				gsub(/\\\\/, "\\e", s)
				return s ~ /^[.!?:;,"()|[\]]/ ? "\\\&" s : s
			}
			FILENAME ~ /action.def$/ && /^ACTION\(/ { help[field($0, 1)] = field($0, 2) }
			FILENAME ~ /screen.def$/ && /^SCREEN\(/ { help[field($0, 1)] = field($0, 2) }
			FILENAME ~ /command.def$/ && /^CMD\(/ { help[field($0, 2)] = field($0, 4) }
			FILENAME ~ /keymap.def$/ && /^BIND\(/ {
				split($0, part, /[(,]/)
				if (part[2] != context) next
				words = field($0, 2)
				if (!(words in keys)) order[++n] = words
				keys[words] = keys[words] (words in keys && keys[words] != "" ? " , " : "") safe(field($0, 1))
			}
			END {
				for (i = 1; i <= n; i++)
					printf ".It Sy %s\n.Ic %s :\n%s.\n", keys[order[i]], order[i], help[order[i]]
			}' "$src/tbl/command.def" "$src/tbl/action.def" "$src/tbl/screen.def" "$src/tbl/keymap.def"
		echo .El
	done
	cat <<'END'
.Sh ON THE COMMAND LINE
Behind
.Sy \&:
every action and command stands by its name; letters in order find it, Tab completes, a wrong word is told the nearest.
A number, or what reads like one, is an accession: the cursor goes there.
Some actions take words:
.Bl -tag -width Ds
END
	awk '
		function field(line, n,   i, out) {
			for (i = 0; i < n; i++) {
				if (!match(line, /"([^"\\]|\\.)*"/)) return ""
				out = substr(line, RSTART + 1, RLENGTH - 2)
				line = substr(line, RSTART + RLENGTH)
			}
			return out
		}
		FILENAME ~ /action.def$/ && /^ACTION\(/ {
			split($0, part, /[(,]/)
			words[part[2]] = field($0, 1); help[part[2]] = field($0, 2)
		}
		FILENAME ~ /verb.def$/ && /^VERB\(/ {
			split($0, part, /[(,]/)
			printf ".It Ic %s Ar %s\n%s.\n", words[part[2]], field($0, 1), help[part[2]]
		}
		FILENAME ~ /verb.def$/ && /^SETTABLE\(/ { set[++n] = ".It Sy " field($0, 1) " Ar " field($0, 2) "\n" field($0, 3) "." }
		END {
			print ".El\n.Pp\nWhat\n.Ic set\nchanges, for this console:\n.Bl -tag -width Ds"
			for (i = 1; i <= n; i++) print set[i]
			print ".El"
		}' "$src/tbl/action.def" "$src/tbl/verb.def"
	cat <<'END'
.Pp
.Sy 0
begins a count:
.Sy 05j
is five rows down,
.Sy 012G
the twelfth row.
.Sh WHERE TEXT IS TYPED
Arrows, Home and End move; Backspace and Del erase;
.Sy C-u
erases to the start,
.Sy C-w
a word.
Pasted text is only ever text: it never presses a key.
.Sy Esc
leaves, and keeps what was typed.
.Sh YOUR OWN KEYS
The file
.Pa $XDG_CONFIG_HOME/wetread/keys
.Pq Pa ~/.config/wetread/keys
has a line for each key that is to be another:
.Bd -literal -offset indent
# view    keys  action
queue     x     hold
all       C-n   down
queue     d     none
.Ed
.Pp
A
.Ar view
is the name of one, or
.Sy all .
.Ar keys
are one character, two that follow each other,
.Sy C-a
to
.Sy C-z ,
or one of
.Sy Up , Down , Left , Right , Home , End , PgUp , PgDn , Del , F1 , Tab , S-Tab , Enter , Esc , Space , BS .
An
.Ar action
is a name of this page or a command;
.Sy none
takes the key away.
A line wins over this page in the views it names, and the key line, the help and the palette show the keys as they are then.
.Pp
A key given twice, one that begins another, a name that does not exist, or a view that could not be left any more is an error
with its line, and the console does not start with half of a file.
.Ic wetread keys check
looks at it before;
.Ic wetread keys list
prints all keys as they are.
.Sh SEE ALSO
.Xr wetread 1 ,
.Xr wetread-theme 5 ,
.Xr wetread-filter 7
END
}

if [ -n "$check" ]; then
	page | diff "$src/man/wetread-keys.5" - || {
		echo "man/wetread-keys.5 is not what the tables say: tools/keys-man.sh $src >man/wetread-keys.5" >&2
		exit 1
	}
	exit 0
fi
page
