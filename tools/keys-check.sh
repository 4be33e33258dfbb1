#!/bin/sh
# keys-check.sh - the manual of the keys says what the tables say.
exec "${top_srcdir:?}/tools/keys-man.sh" --check "${top_srcdir:?}"
