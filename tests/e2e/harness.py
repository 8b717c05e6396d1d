"""Checks that count, processes that go away, and waiting without sleeping."""
import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class Checks:
    """Counts what held and what did not; the last line is "N passed, N failed"."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, sentence, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"ok: {sentence}" + (f" ({detail})" if detail != "" else ""), flush=True)
        else:
            self.failed += 1
            print(f"FAILED: {sentence}: {detail}", flush=True)
        return holds

    def equal(self, sentence, got, expected):
        return self.check(sentence, got == expected, got if got == expected else f"{got!r}, not {expected!r}")

    def run(self, *tests):
        """Runs each test with a scratch folder of its own; an exception is a failure of that test."""
        for test in tests:
            print(f"-- {test.__name__}: {(test.__doc__ or '').strip()}", flush=True)
            try:
                with Scratch() as scratch:
                    test(self, scratch)
            except Exception:  # counted, shown, and the next test runs
                self.check(test.__name__, False, traceback.format_exc())
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 and self.passed > 0 else 1


class Scratch:
    """A folder and the processes of one test; both are gone when it ends."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tlscache-e2e-"))
        self.processes = []
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for process in self.processes:
                process.show_log()
        self.close()

    def close(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return self.path / name

    def write(self, name, text, mode=0o600):
        path = self.file(name)
        path.write_text(text)
        path.chmod(mode)
        return path

    def start(self, name, *command, **options):
        process = Process(name, [str(word) for word in command], self.file(f"{name}.log"), **options)
        self.processes.append(process)
        return process


class Process:
    def __init__(self, name, command, log, env=None):
        self.name = name
        self.log = log
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          env={**os.environ, **(env or {})}, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.popen.pid

    def signal(self, number):
        self.popen.send_signal(number)

    def running(self):
        return self.popen.poll() is None

    def wait(self, seconds):
        return self.popen.wait(timeout=seconds)

    def stop(self, seconds=5):
        """Asks it to end, and ends it if it does not."""
        if self.running():
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def wait_until(self, condition, seconds=10, what="condition"):
        """Looks at the condition until it holds; the process must live on. Returns its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {what} not within {seconds} s\n{self.log_text()}")
            try:
                code = self.popen.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{self.name} ended with {code}\n{self.log_text()}")

    def log_text(self):
        return self.log.read_text(errors="replace")[-4000:]

    def show_log(self):
        text = self.log_text()
        if text:
            print(f"[{self.name}]\n{text}")


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command, input_text=None, seconds=30, env=None):
    """Runs a command to its end; stdout and stderr together, as text, and the exit code."""
    done = subprocess.run([str(word) for word in command], input=input_text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds,
                          stdin=None if input_text is not None else subprocess.DEVNULL,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout


def bindir():
    """Where the programs under test are: the first argument."""
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit(f"usage: {sys.argv[0]} BINDIR")
    return pathlib.Path(sys.argv[1]).resolve()
