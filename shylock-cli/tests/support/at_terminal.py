"""Runs a program in a pseudo-terminal: `at_terminal.py STEPS PROGRAM ARGUMENTS`. STEPS is JSON, a list of
["expect", text], ["send", text], ["signal", name, file with a process id] and ["pass", milliseconds]. Prints what the terminal showed; exits with the program's status."""
import json, os, pty, select, signal, sys, time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(program[0], program)
shown, seen, end = b"", 0, time.time() + 60


def read():
    """More of what the terminal shows; false at its end."""
    global shown
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if not ready:
        return time.time() < end
    try:
        more = os.read(terminal, 65536)
    except OSError:
        more = b""
    shown += more
    return bool(more)


for kind, text, *more in steps:
    if kind == "send":
        os.write(terminal, text.encode())
        continue
    if kind == "signal":
        os.kill(int(open(more[0]).read()), getattr(signal, text))
        continue
    if kind == "pass":
        end_of_pause = time.time() + int(text) / 1000
        while time.time() < end_of_pause and read():
            pass
        continue
    while shown.find(text.encode(), seen) < 0:
        if not read() or time.time() > end:
            sys.exit(f"{text!r} does not come: {shown.decode(errors='replace')!r}")
    seen = shown.find(text.encode(), seen) + len(text.encode())
while read():
    pass
sys.stdout.buffer.write(shown)
sys.stdout.flush()
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
