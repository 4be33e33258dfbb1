#!/usr/bin/python3
"""relay.py FIFO COMMAND...: runs the command on a terminal of its own and passes bytes both ways, and what comes by FIFO
as if it had been typed: so that a script can press keys in a window."""
import fcntl, os, pty, select, struct, sys, termios, tty

fifo, command = sys.argv[1], sys.argv[2:]
size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    os.execvp(command[0], command)
fcntl.ioctl(master, termios.TIOCSWINSZ, size)
tty.setraw(0)
keys = os.open(fifo, os.O_RDWR)  # both, so that it never ends
while True:
    for fd in select.select([0, master, keys], [], [])[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""
        if not data:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if fd == master else 0)
        out = 1 if fd == master else master
        while data:
            data = data[os.write(out, data):]
