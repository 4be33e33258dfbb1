#!/usr/bin/env bash
# pure.sh - the parts that src/LAYERS calls pure use nothing that reads, writes, waits, or asks the time.
#
# It looks at what the compiled libraries call, so no macro and no header hides it.  Time and chance come in
# through env; bytes and lines through arguments.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-.}
cd "$build" || exit 1

io='open|openat|creat|read|readv|pread|write|writev|pwrite|close|unlink|rename|stat|fstat|lstat|mkdir|opendir|mmap
	|socket|connect|bind|listen|accept|accept4|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|ppoll|select|epoll_wait
	|fopen|fdopen|fclose|fread|fwrite|fgets|fputs|fputc|fprintf|vfprintf|printf|vprintf|puts|putchar|perror|getline
	|fork|vfork|execv|execve|execvp|system|popen|kill|waitpid|sleep|usleep|nanosleep|sigaction|signal
	|time|clock|clock_gettime|gettimeofday|localtime|localtime_r|gmtime|rand|random|srand|getrandom|randombytes_buf
	|getenv|setenv|getpid|getuid|exit|_exit'
pattern="^($(tr -d '\n\t ' <<<"$io"))(64|@.*)?\$"
bad=0
parts=$(sed -n 's/^pure //p' "$top/src/LAYERS")
[ -n "$parts" ] || {
	echo "pure: src/LAYERS names no pure part"
	exit 1
}
for part in $parts; do
	[ -e "lib$part.a" ] || {
		echo "pure: lib$part.a is not built"
		exit 1
	}
	found=$(nm -A --undefined-only "lib$part.a" | awk '{ print $NF, $1 }' | sed 's/^__\([a-z]*\)_chk /\1 /' |
		while read -r symbol where; do [[ $symbol =~ $pattern ]] && echo "$where calls $symbol"; done)
	[ -z "$found" ] || {
		sed "s/^/pure: $part: /" <<<"$found"
		bad=1
	}
done
[ $bad -eq 0 ] && echo "pure: $(wc -w <<<"$parts") parts do no I/O"
exit $bad
