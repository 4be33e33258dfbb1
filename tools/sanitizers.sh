# sanitizers.sh - to be sourced: what the sanitizers look for, wherever tests run under them.
# shellcheck shell=sh
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
