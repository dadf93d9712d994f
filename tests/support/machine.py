# SPDX-License-Identifier: BSD-3-Clause
"""Runs Python tests in a machine of their own, for what this one's kernel has not: qemu, a kernel of
Debian's (script/kernel) and an initial file system made of what the tests need from here."""

import importlib.util
import io
import os
import pathlib
import re
import stat
import subprocess
import sysconfig

import cachemand

ROOT = cachemand.ROOT
# Of the standard library; nobody misses it, and it is much to load.
NEEDLESS = ("test", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "pydoc_data",
            f"config-{sysconfig.get_python_version()}-x86_64-linux-gnu", "dist-packages")
PYTEST = "pytest", "_pytest", "pluggy", "iniconfig", "packaging", "py", "attr"
BEGUN = "machine: the tests begin"
DONE = re.compile(r"^machine: the tests ended with (\d+)\r?$", re.MULTILINE)

# A minute or two on a machine that has nothing else to do, of which ten seconds pass before init.
LIMIT_S = 900
BOOTS = 3

INIT = """#!{python} -u
import ctypes, fcntl, os, socket, struct, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for kind, place in ("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"):
    os.makedirs(place, exist_ok=True)
    assert libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None) == 0, place
os.makedirs("/tmp", exist_ok=True)
console = os.open("/dev/ttyS0", os.O_RDWR)
for descriptor in range(3):
    os.dup2(console, descriptor)
for name in {before!r}:
    image = open("/modules/" + name, "rb").read()
    assert libc.syscall(175, image, len(image), b"") == 0, (name, ctypes.get_errno())
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
os.environ.update({environment!r})
os.chdir({folder!r})
print({begun!r}, flush=True)
status = subprocess.run({command!r}).returncode
print("machine: the tests ended with", status, flush=True)
libc.reboot(0x1234567)
"""


class Archive:
    """A cpio archive, of the kind that Linux unpacks into its first file system."""

    def __init__(self):
        self.data = io.BytesIO()
        self.seen = set()

    def _entry(self, path, mode, content, mtime=0):
        name = str(path).lstrip("/").encode() + b"\0"
        fields = (len(self.seen), mode, 0, 0, 1, mtime, len(content), 0, 0, 0, 0, len(name), 0)
        self.data.write(b"070701" + b"".join(b"%08X" % (field & 0xffffffff) for field in fields))
        for part in name, content:
            self.data.write(part)
            self.data.write(b"\0" * (-self.data.tell() % 4))

    def make_folder(self, path):
        path = pathlib.PurePath(path)
        if str(path) in ("/", ".") or path in self.seen:
            return
        self.make_folder(path.parent)
        self.seen.add(path)
        self._entry(path, stat.S_IFDIR | 0o755, b"")

    def write(self, path, content, mode=0o755, mtime=0):
        path = pathlib.PurePath(path)
        if path not in self.seen:
            self.make_folder(path.parent)
            self.seen.add(path)
            self._entry(path, stat.S_IFREG | mode, content, mtime)

    def copy(self, path, to=None):
        path = pathlib.Path(path)
        known = path.stat()
        self.write(to or path, path.read_bytes(), stat.S_IMODE(known.st_mode), int(known.st_mtime))

    def copy_tree(self, folder, but=()):
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file() and path.relative_to(folder).parts[0] not in but:
                self.copy(path)

    def copy_program(self, path):
        """With the libraries that it names."""
        self.copy(path)
        listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
        for library in re.findall(r"(/\S+) \(0x", listed.stdout):
            self.copy(library)

    def copy_loaded(self, name):
        """A library that a program loads by its name, and so does not list."""
        known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True)
        self.copy_program(re.search(rf"{re.escape(name)} .* => (/\S+)", known.stdout)[1])

    def finish(self):
        self._entry("TRAILER!!!", 0, b"")
        return self.data.getvalue()


def add_python(archive):
    python = pathlib.Path("/usr/bin/python3").resolve()
    archive.copy_program(python)
    archive.copy(python, "/usr/bin/python3")
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    archive.copy_tree(library, NEEDLESS)
    for extension in (library / "lib-dynload").glob("*.so"):
        archive.copy_program(extension)
    for package in filter(None, map(importlib.util.find_spec, PYTEST)):
        if package.submodule_search_locations is None:
            archive.copy(package.origin)
        for folder in package.submodule_search_locations or ():
            archive.copy_tree(folder)
    return python


def module_order(folder, names):
    """The modules' files, each after those that it needs."""
    files = {path.stem.replace("-", "_"): path for path in folder.rglob("*.ko")}
    order = []

    def add(name):
        path = files.get(name.replace("-", "_"))
        if path is None or path in order:  # built in, or there already
            return
        needed = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for other in needed[1].decode().split(",") if needed else ():
            add(other)
        order.append(path)

    for name in names:
        add(name)
    return order


def initial_files(kernel, arguments, modules, environment):
    """What the kernel begins with, down to the program that runs pytest with the arguments."""
    archive = Archive()
    python = add_python(archive)
    archive.copy_program(cachemand.PROGRAM)
    if cachemand.test_program() is not None:
        archive.copy_program(cachemand.test_program())
    archive.copy_loaded("libmicrohttpd.so.12")  # for --admin
    archive.copy_program("/usr/bin/openssl")
    archive.copy("/usr/lib/ssl/openssl.cnf")
    archive.copy_tree(ROOT / "tests/support")
    archive.copy_tree(ROOT / "tests/system")
    archive.copy(ROOT / "tests/conftest.py")
    files = module_order(kernel / "lib/modules", modules)
    for path in files:
        archive.copy(path, f"/modules/{path.name}")
    known = {"CACHEMAND": str(cachemand.PROGRAM), "PATH": "/usr/bin:/bin", "HOME": "/tmp",
             "LD_LIBRARY_PATH": "/lib/x86_64-linux-gnu", "CACHEMAN_TEST_DEADLINE_S": "120",
             "CACHEMAN_MACHINE": "1"}
    archive.write("/init", INIT.format(
        python=python, before=[path.name for path in files], folder=str(ROOT),
        begun=BEGUN,
        environment={**known, **environment},
        command=["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", *arguments],
    ).encode())
    return archive.finish()


def boot(kernel, image):
    """What the machine said up to its end, or for as long as it may take."""
    try:
        return subprocess.run(
            ["qemu-system-x86_64", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
             "-cpu", "max", "-smp", "2", "-m", "1024", "-kernel", *(kernel / "boot").glob("vmlinuz*"),
             "-initrd", image, "-append", "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=LIMIT_S, check=False).stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        return f"{said}\nmachine: stopped after {LIMIT_S} s\n"


def run(arguments, modules, environment):
    """Runs pytest with the arguments there, once `modules` are loaded. Its exit status, None if the
    machine did not come so far, and what the machine said. A kernel that gives up before anything
    of ours runs, as an emulated one may on a busy machine, is booted again; nothing later is."""
    script = subprocess.run([ROOT / "script/kernel"], check=True, text=True, timeout=1800,
                            stdout=subprocess.PIPE)
    kernel = pathlib.Path(script.stdout.strip())
    image = kernel / f"initial-{os.getpid()}.cpio"
    image.write_bytes(initial_files(kernel, arguments, modules, environment))
    text = ""
    try:
        for _ in range(BOOTS):
            text += boot(kernel, image)
            if BEGUN in text or "Kernel panic" not in text or "to kill init" in text:
                break
    finally:
        image.unlink()
    ended = DONE.search(text)
    return int(ended[1]) if ended else None, text
