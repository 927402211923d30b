"""Packs the function app of Azure: what `func azure functionapp publish` and zip deploy take.

The zip has host.json, every folder with a function.json, the triggers that are named, and the executable.
The times in it are fixed, so the same app always gives the same zip.
"""

import argparse
import json
import stat
import zipfile
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parent
TRIGGERS = FUNCTIONS / "triggers"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = stat.S_IFREG | 0o755
DATA = stat.S_IFREG | 0o644

# The values of e_machine in an ELF header. Azure runs the first machine.
MACHINES = {"x86-64": 62, "arm64": 183}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("executable", type=Path, help="the function app, built for Linux")
    arguments.add_argument("zip", type=Path)
    arguments.add_argument("--trigger", action="append", default=[], choices=sorted(names(TRIGGERS)))
    arguments.add_argument("--machine", choices=MACHINES, default="x86-64", help="what is to run it")
    given = arguments.parse_args()
    pack(given.executable, given.zip, given.machine, given.trigger)
    print(given.zip)


def pack(executable, zip_path, machine, triggers=()):
    code = executable.read_bytes()
    check(executable, code, machine)
    host = FUNCTIONS / "host.json"
    started = json.loads(host.read_text())["customHandler"]["description"]["defaultExecutablePath"]
    zip_path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(zip_path, "w", zipfile.ZIP_DEFLATED) as package:
        add(package, "host.json", host.read_bytes(), DATA)
        folders = [FUNCTIONS / name for name in names(FUNCTIONS)] + [TRIGGERS / name for name in triggers]
        for folder in sorted(folders, key=lambda folder: folder.name):
            add(package, f"{folder.name}/function.json", (folder / "function.json").read_bytes(), DATA)
        add(package, started, code, EXECUTABLE)


def check(executable, code, machine):
    if code[:5] != b"\x7fELF\x02":
        raise SystemExit(f"{executable} is not an executable of 64-bit Linux; build it with make azure-package")
    number = int.from_bytes(code[18:20], "little")
    if number != MACHINES[machine]:
        came = next((name for name, other in MACHINES.items() if other == number), f"machine {number} of the ELF list")
        raise SystemExit(f"{executable} is for {came}, not for {machine}; build it with make azure-package")


def names(folder):
    return [path.parent.name for path in folder.glob("*/function.json")]


def add(package, name, content, mode):
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.create_system = 3  # Unix: only then the mode is read.
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(entry, content)


if __name__ == "__main__":
    main()
