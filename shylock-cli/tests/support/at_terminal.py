"""Runs a program in a pseudo-terminal: `at_terminal.py STEPS PROGRAM ARGUMENTS`. STEPS is JSON, a list of ["expect", text]
and ["send", text]; with ["container", ""] before, the program is the first process of a PID namespace. Prints what the
terminal showed; exits with the program's status."""
import ctypes, json, os, pty, select, signal, sys, time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]


def contain():
    """The next child is the first process of a namespace, and may mount its own /proc."""
    new_mounts, new_user, new_pids = 0x20000, 0x10000000, 0x20000000
    user, group = os.getuid(), os.getgid()
    flags = new_mounts | new_pids | (new_user if user else 0)
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        sys.exit(f"no namespace: {os.strerror(ctypes.get_errno())}")
    if user:
        for file, text in ("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1"):
            with open(f"/proc/self/{file}", "w") as map:
                map.write(text)


if steps[0][0] == "container":
    steps.pop(0)
    contain()
pid, terminal = pty.fork()
if pid == 0:
    # The test may be a job in the background of a script, or run under `nohup`.
    for key in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
        signal.signal(key, signal.SIG_DFL)
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


for kind, text in steps:
    if kind == "send":
        os.write(terminal, text.encode())
        continue
    while shown.find(text.encode(), seen) < 0:
        if not read() or time.time() > end:
            sys.exit(f"{text!r} does not come: {shown.decode(errors='replace')!r}")
    seen = shown.find(text.encode(), seen) + len(text.encode())
while read():
    pass
if time.time() > end:
    os.kill(pid, signal.SIGKILL)
    sys.exit(f"it does not end: {shown.decode(errors='replace')!r}")
sys.stdout.buffer.write(shown)
sys.stdout.flush()
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
