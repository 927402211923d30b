"""The structure of the project, as rules that a machine can check.

A rule is a function. It gets the root of a checkout and returns the violations that it finds, as texts.
The first line of its docstring says what must be true.
"""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import imports

LONGEST_FILE = 600
README_LINES = 80
SCRIPT_ENDINGS = {".js", ".mjs", ".ts", ".tsx"}
SOURCE_ENDINGS = {".rs", ".js", ".mjs", ".ts", ".css", ".html", ".py", ".sh"}
# Folders that tools write, not people.
GENERATED = {".git", ".venv", ".venv-deploy", "target", "node_modules", "dist", "__pycache__"}

SERVER_FRAMEWORKS = {"axum", "lambda_http"}
HTTP_CLIENTS = {"reqwest", "ureq", "isahc", "curl"}

# Which of our packages each package may build on. Tests may use more.
MAY_USE = {
    "signalr-allocator": set(),
    "signalr-small-file": set(),
    "signalr-log": set(),
    "signalr-traces": set(),
    "signalr-http-client": {"signalr-small-file"},
    "signalr-http-server": {"signalr-small-file"},
    "signalr-server-protocol": set(),
    "signalr-serverless-client": {"signalr-http-client"},
    "signalr-persistent": {"signalr-http-client", "signalr-server-protocol", "signalr-serverless"},
    "signalr-signing-keys": set(),
    "signalr-oidc": {"signalr-http-client", "signalr-signing-keys"},
    "signalr-serverless": {"signalr-http-client", "signalr-signing-keys", "signalr-small-file"},
    "signalr-service": {
        "signalr-allocator",
        "signalr-http-client",
        "signalr-http-server",
        "signalr-oidc",
        "signalr-server-protocol",
        "signalr-serverless",
        "signalr-small-file",
        "signalr-traces",
    },
    "signalr-function-runtime": {
        "signalr-http-client",
        "signalr-http-server",
        "signalr-log",
        "signalr-oidc",
        "signalr-serverless",
        "signalr-traces",
    },
}
MAY_USE["signalr-negotiate"] = MAY_USE["signalr-function-runtime"] | {"signalr-function-runtime"}
MAY_USE["signalr-broadcast"] = MAY_USE["signalr-negotiate"]
MAY_USE["signalr-group-admin"] = MAY_USE["signalr-negotiate"]
MAY_USE["signalr-upstream"] = MAY_USE["signalr-negotiate"]
MAY_USE["signalr-chat"] = MAY_USE["signalr-upstream"] | {"signalr-upstream"}
MAY_USE["signalr-function-app"] = MAY_USE["signalr-chat"] | {
    "signalr-negotiate",
    "signalr-broadcast",
    "signalr-chat",
    "signalr-group-admin",
}
MAY_USE["signalr-cli"] = MAY_USE["signalr-function-app"] | {
    "signalr-serverless-client",
    "signalr-function-app",
    "signalr-service",
    "signalr-small-file",
}

# The packages that measure the product. No package of the product depends on them, not even in tests.
BENCH = {"signalr-bench-floor", "signalr-bench-hello", "signalr-bench-load"}
# The Rust blocks of the documentation.
MAY_USE["signalr-docs"] = set()
MAY_USE["signalr-endurance"] = {"signalr-serverless", "signalr-small-file"}
MAY_USE["signalr-bench-floor"] = set()
MAY_USE["signalr-bench-hello"] = {"signalr-http-client"}
MAY_USE["signalr-bench-load"] = {"signalr-serverless"}

# Protocols and session get bytes and the time as arguments. They never fetch them.
WITHOUT_IO = ["server-protocol/src", "service/src/protocol", "service/src/session"]
IO = re.compile(r"\btokio\b|\bnet::|\bsocket2\b|\bTcp[A-Z]\w+|\bUdpSocket\b|\bInstant::now\b|\bSystemTime\b")

GRAB_BAGS = re.compile(r"^(utils?|common|helpers?|managers?)$")

# The table is the one whose first column is headed "variable"; `__suffix` continues the name before it.
VARIABLE_TABLE = re.compile(r"^\| *variable *\|.*\n((?:\|.*\n)+)", re.MULTILINE)
VARIABLE = re.compile(r"`(\w+)`")
CONSTANT = re.compile(r'^\s*[A-Z_]+ = "(\w+)"', re.MULTILINE)
CONSTANTS_FILE = "functions/runtime/src/config/variable.rs"
VARIABLES_PAGE = "docs/reference/variables.md"

# Write instead: "where … comes from", "everyone who" or a noun, "your own", "continues on", "except".
HARD_WORDS = re.compile(r"\bwhence\b|\bwho(?:m?ever)\b|\bone's own\b|\bgoes on on\b|\bbut for\b", re.IGNORECASE)

SDK = "shared/src"
# The documentation and attributes of a public item, its kind and its name.
PUBLIC_ITEM = re.compile(
    r"((?:^(?:///|#\[|[ )\]]).*\n)*)^pub (?:async |const (?=fn))?(const|enum|fn|mod|struct|trait|type) (\w+)", re.MULTILINE
)

LIMITS_FILE = "cli/src/limits.rs"
LIMITS_PAGE = "docs/reference/limits.md"
# The name of a flag, its variable, and its field.
LIMIT = re.compile(r'#\[arg\(long(?: = "([a-z-]+)")?[^\]]*?env = "(SIGNALR_\w+)".*?\)\]\s*(\w+):', re.DOTALL)
LIMIT_ROW = re.compile(r"^\| `--([a-z-]+)` \| `(SIGNALR_\w+)` \|", re.MULTILINE)


def sdk_knows_no_server_framework(root):
    """signalr-serverless depends on no server framework"""
    return forbidden_dependencies(root, SERVER_FRAMEWORKS, "-p", "signalr-serverless", "--all-features")


def negotiate_has_no_http_client(root):
    """signalr-negotiate as built for Lambda with an authorizer depends on no HTTP client"""
    build = ["-p", "signalr-negotiate", "--no-default-features", "--features", "lambda"]
    return forbidden_dependencies(root, HTTP_CLIENTS, *build, "-e", "normal")


def protocol_and_session_are_without_io(root):
    """protocol and session of the service, and the protocol of server connections, name no runtime, socket or clock"""
    violations = []
    for folder in WITHOUT_IO:
        if not (root / folder).is_dir():
            violations.append(f"{folder} is missing; name its new place in this rule")
        for path in source_files(root / folder):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = IO.search(line)
                if found and not line.lstrip().startswith("//"):
                    violations.append(f"{path.relative_to(root)}:{number} names {found.group()}")
    return violations


def files_are_short(root):
    """no source file is over 600 lines"""
    return [
        f"{path.relative_to(root)} has {lines} lines"
        for path in source_files(root)
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    ]


def imports_form_no_circle(root):
    """no two files import each other, directly or through others"""
    edges = {}
    for package in packages(root):
        edges |= imports.Package(Path(package["manifest_path"]).parent / "src").imports()
    scripts = [path for path in source_files(root) if path.suffix in SCRIPT_ENDINGS]
    edges |= imports.imports_of_scripts([path for path in scripts if "tests" not in path.relative_to(root).parts])
    violations = []
    for circle in imports.circles(edges):
        for path in circle:
            others = sorted(str(other.relative_to(root)) for other in edges[path] if other in circle)
            violations.append(f"{path.relative_to(root)} imports {', '.join(others)}")
    return violations


# The packages that may have unsafe blocks, because they must call the C library, and how many blocks each may have.
UNSAFE_BLOCKS = {"signalr-allocator": 1}


def unsafe_code_is_forbidden(root):
    """unsafe code is forbidden in every package except signalr-allocator, which has one block of it"""
    workspace = tomllib.loads((root / "Cargo.toml").read_text())
    violations = []
    if workspace.get("workspace", {}).get("lints", {}).get("rust", {}).get("unsafe_code") != "forbid":
        violations.append('Cargo.toml lacks unsafe_code = "forbid" in [workspace.lints.rust]')
    for package in packages(root):
        manifest = Path(package["manifest_path"])
        lints = tomllib.loads(manifest.read_text()).get("lints", {})
        if package["name"] in UNSAFE_BLOCKS:
            sources = manifest.parent.rglob("*.rs")
            blocks = sum(len(re.findall(r"\bunsafe \{", source.read_text())) for source in sources)
            allowed = UNSAFE_BLOCKS[package["name"]]
            if blocks > allowed or lints.get("rust", {}).get("unsafe_code") != "deny":
                violations.append(f"{manifest.relative_to(root)} denies no unsafe code, or has over {allowed} blocks")
        elif lints.get("workspace") is not True:
            violations.append(f"{manifest.relative_to(root)} lacks workspace = true in [lints]")
    return violations


def dependencies_point_one_way(root):
    """packages depend only on packages below them"""
    violations = []
    for package in packages(root):
        name = package["name"]
        if name not in MAY_USE:
            violations.append(f"{name} is new; say in this rule what it may use")
            continue
        used = {dependency["name"] for dependency in package["dependencies"] if dependency["kind"] != "dev"}
        violations += [f"{name} uses {other}" for other in sorted((used & set(MAY_USE)) - MAY_USE[name])]
    return violations


def nothing_builds_on_the_bench(root):
    """no package depends on packages of the bench, also not in tests or for its build"""
    return [
        f"{package['name']} uses {dependency['name']}"
        for package in packages(root)
        for dependency in package["dependencies"]
        if dependency["name"] in BENCH
    ]


def names_say_what_is_inside(root):
    """no file or folder is called utils, common, helpers or manager"""
    return [
        f"{path.relative_to(root)}"
        for path in walk(root)
        if GRAB_BAGS.match(path.name.split(".")[0].lower())
    ]


def the_reference_lists_the_variables(root):
    """the reference's table of variables is the runtime's list of variables"""
    if missing := [f"{path} is missing" for path in (VARIABLES_PAGE, CONSTANTS_FILE) if not (root / path).is_file()]:
        return missing
    listed = variables_in((root / VARIABLES_PAGE).read_text())
    known = set(CONSTANT.findall((root / CONSTANTS_FILE).read_text()))
    return [f"{name} is not in {VARIABLES_PAGE}" for name in sorted(known - listed)] + [
        f"{name} stands in {VARIABLES_PAGE}, but the runtime does not read it" for name in sorted(listed - known)
    ]


def the_reference_lists_the_limits(root):
    """the reference's table of limits has each flag of `signalr serve` that is a limit, with its variable"""
    if missing := [f"{path} is missing" for path in (LIMITS_PAGE, LIMITS_FILE) if not (root / path).is_file()]:
        return missing
    found = LIMIT.findall((root / LIMITS_FILE).read_text())
    known = {(name or field.replace("_", "-"), variable) for name, variable, field in found}
    listed = set(LIMIT_ROW.findall((root / LIMITS_PAGE).read_text()))
    return [f"--{name} ({variable}) is not in {LIMITS_PAGE}" for name, variable in sorted(known - listed)] + [
        f"--{name} ({variable}) stands in {LIMITS_PAGE}, but there is no such flag"
        for name, variable in sorted(listed - known)
    ]


def words_are_plain(root):
    """no comment and no message has words that are hard to read for people whose second language is English"""
    violations = []
    for path in [*source_files(root), *root.glob("*.yaml"), *root.glob("packaging/**/*.tf")]:
        if path.name in {"rules.py", "self_test.py", "prose.test.js"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if found := HARD_WORDS.search(line):
                violations.append(f"{path.relative_to(root)}:{number} says '{found.group()}'")
    return violations


def the_sdk_has_examples(root):
    """each public item of the SDK has an example, or its documentation says which item has one"""
    violations = []
    for path in sorted((root / SDK).rglob("*.rs")):
        text = path.read_text()
        of_the_file = "\n".join(line for line in text.splitlines() if line.startswith("//!"))
        for found in PUBLIC_ITEM.finditer(text):
            documentation, kind, name = found.groups()
            # The documentation of the file explains all its constants.
            if kind == "const":
                documentation += of_the_file
            elif kind == "mod":
                documentation += documentation_of_module(path, name)
            if "```" not in documentation and "an example" not in re.sub(r"\s*///\s*", " ", documentation):
                violations.append(f"{path.relative_to(root)}: {name} has no example")
    return violations


def the_readme_is_short(root):
    """README.md fits on two screens"""
    lines = len((root / "README.md").read_text().splitlines())
    return [f"README.md has {lines} lines; {README_LINES} is two screens"] if lines > README_LINES else []


RULES = [
    sdk_knows_no_server_framework,
    negotiate_has_no_http_client,
    protocol_and_session_are_without_io,
    files_are_short,
    imports_form_no_circle,
    unsafe_code_is_forbidden,
    dependencies_point_one_way,
    nothing_builds_on_the_bench,
    names_say_what_is_inside,
    the_reference_lists_the_variables,
    the_reference_lists_the_limits,
    the_readme_is_short,
    the_sdk_has_examples,
    words_are_plain,
]


def documentation_of_module(parent, name):
    folder = parent.parent if parent.name in {"lib.rs", "mod.rs"} else parent.with_suffix("")
    file = next(path for path in (folder / f"{name}.rs", folder / name / "mod.rs") if path.is_file())
    return "\n".join(line for line in file.read_text().splitlines() if line.startswith("//!"))


def forbidden_dependencies(root, forbidden, *selection):
    tree = cargo(root, "tree", "--prefix", "none", "--format", "{p}", *selection)
    present = {line.split()[0] for line in tree.splitlines() if line.strip()}
    return [f"{' '.join(selection)} shows {name}" for name in sorted(present & forbidden)]


def packages(root):
    return json.loads(cargo(root, "metadata", "--no-deps", "--format-version", "1"))["packages"]


def cargo(root, *arguments):
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def variables_in(readme):
    names = set()
    for table in VARIABLE_TABLE.findall(readme):
        for row in table.splitlines():
            stem = ""
            for name in VARIABLE.findall(row.split("|")[1]):
                names.add(stem + name if name.startswith("__") else name)
                stem = stem or name
    return names


def source_files(folder):
    return [path for path in walk(folder) if path.is_file() and path.suffix in SOURCE_ENDINGS]


def walk(folder):
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - GENERATED)
        yield from (Path(here) / name for name in sorted(folders + files))
