"""python3 pseudo-terminal.py ROWS COLUMNS COMMAND…: runs a command on a terminal of that size, which SIGUSR1 makes 50x132."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def set_size(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    rows, columns, *command = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        # The size is there before anybody asks for it.
        set_size(0, int(rows), int(columns))
        os.execvp(command[0], command)
    signal.signal(signal.SIGUSR1, lambda *_: set_size(terminal, 50, 132))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
    inputs = [terminal, 0]
    while True:
        ready, _, _ = select.select(inputs, [], [])
        if 0 in ready:
            typed = os.read(0, 4096)
            if typed:
                os.write(terminal, typed)
            else:
                inputs.remove(0)
        if terminal in ready:
            try:
                shown = os.read(terminal, 65536)
            except OSError:
                break
            if not shown:
                break
            os.write(1, shown)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
