"""Finds which files import which other files, in the sources of the packages.

A file imports another if it names something that the other file defines, in a `use` line or by a path in its
code. Names are followed through `pub use` to the file that defines them. `mod` and `pub use` lines by
themselves do not count. Tests do not count either.
"""

import re
from collections import defaultdict

TEST_MODULE = re.compile(
    r"#\[cfg\((?:all\()?test\b[^\]]*\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*(;|\{)"
)
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?\'(?:\\.|[^\'\\])\'', re.DOTALL
)
USE = re.compile(r"(?:^|(?<=[;{}\s]))(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
DECLARED = re.compile(r"\bmod\s+(\w+)\s*;")
PATH = re.compile(r"(?<![\w:])((?:crate|self|super|\w+)(?:\s*::\s*\w+)+)")
# `import … from "./x"`, `export … from "./x"`, `import "./x"`, `import("./x")`.
SCRIPT_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")


class Source:
    """The declarations, imports and re-exports of one Rust file."""

    def __init__(self, text):
        code = COMMENT_OR_STRING.sub(" ", text)
        code, self.test_modules = without_test_modules(code)
        self.children = set(DECLARED.findall(code))
        self.taken, self.handed_on = [], []
        for is_public, tree in USE.findall(code):
            (self.handed_on if is_public else self.taken).extend(flatten(tree))
        for path in PATH.findall(USE.sub(" ", code)):
            self.taken.append((re.split(r"\s*::\s*", path), None))


def without_test_modules(code):
    """The code without its test modules, and the names of the test modules in separate files."""
    names = set()
    while found := TEST_MODULE.search(code):
        end = found.end()
        if found.group(2) == ";":
            names.add(found.group(1))
        else:
            depth = 1
            while depth and end < len(code):
                depth += {"{": 1, "}": -1}.get(code[end], 0)
                end += 1
        code = code[: found.start()] + code[end:]
    return code, names


def flatten(tree):
    """The paths of a `use` tree, each as its segments and the name it gets."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        path, _, name = tree.partition(" as ")
        segments = [segment.strip() for segment in path.split("::") if segment.strip()]
        return [(segments, name.strip() or segments[-1])] if segments else []
    prefix = [segment.strip() for segment in tree[:brace].split("::") if segment.strip()]
    paths = []
    for branch in split_branches(tree[brace + 1 : tree.rfind("}")]):
        for segments, name in flatten(branch):
            if segments == ["self"]:
                paths.append((prefix, name if name != "self" else prefix[-1]))
            else:
                paths.append((prefix + segments, name))
    return paths


def split_branches(text):
    branches, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            branches.append(text[start:index])
            start = index + 1
    return [branch for branch in [*branches, text[start:]] if branch.strip()]


class Package:
    """The module tree below one `src` folder."""

    def __init__(self, src):
        has_library = (src / "lib.rs").is_file()
        files = {
            module_of(path.relative_to(src), has_library): path for path in sorted(src.rglob("*.rs"))
        }
        self.sources = {module: Source(path.read_text()) for module, path in files.items()}
        tests = {
            (*module, name) for module, source in self.sources.items() for name in source.test_modules
        }
        self.files = {
            module: path
            for module, path in files.items()
            if not any(module[: len(test)] == test for test in tests)
        }

    def imports(self):
        """Each file with the files that it imports."""
        edges = defaultdict(set)
        for module, path in self.files.items():
            for segments, _ in self.sources[module].taken:
                target = self.resolve(module, segments)
                if target is not None and target in self.files and target != module:
                    edges[path].add(self.files[target])
        return edges

    def resolve(self, module, segments, seen=()):
        """The module that defines the thing that a path names; None if it belongs to another package."""
        start = self.start(module, segments)
        if start is None:
            return None
        here, rest = start
        while rest and (*here, rest[0]) in self.sources:
            here, rest = (*here, rest[0]), rest[1:]
        if not rest or (here, rest[0]) in seen or here not in self.sources:
            return here if here in self.sources else None
        for handed_on, name in self.sources[here].handed_on:
            if name == rest[0]:
                found = self.resolve(here, handed_on, (*seen, (here, rest[0])))
                return here if found is None else found
        for handed_on, name in self.sources[here].handed_on:
            if name == "*":
                found = self.resolve(here, [*handed_on[:-1], rest[0]], (*seen, (here, rest[0])))
                if found is not None and found != here:
                    return found
        return here

    def start(self, module, segments):
        here, rest = module, list(segments)
        if rest[0] == "crate":
            return (), rest[1:]
        if rest[0] in ("self", "super"):
            while rest and rest[0] in ("self", "super"):
                if rest[0] == "super":
                    here = here[:-1]
                rest = rest[1:]
            return here, rest
        if rest[0] in self.sources[module].children:
            return here, rest
        return None


def module_of(path, has_library):
    """The module of a file: `hub/mod.rs` and `hub.rs` are `hub`, `lib.rs` is the root."""
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "mod" or parts == ["lib"] or (parts == ["main"] and not has_library):
        parts.pop()
    return tuple(parts)


def imports_of_scripts(files):
    """Each JavaScript or TypeScript file with the files that it imports."""
    known, edges = {path.resolve(): path for path in files}, defaultdict(set)
    for path in files:
        for name in SCRIPT_IMPORT.findall(path.read_text()):
            base = (path.parent / name).resolve()
            for target in (base, *(base.with_name(base.name + end) for end in (".js", ".mjs", ".ts", ".tsx"))):
                if target in known and known[target] != path:
                    edges[path].add(known[target])
    return edges


def circles(edges):
    """The groups of files that import each other, directly or through others (Tarjan's algorithm)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(start):
        work = [(start, iter(sorted(edges.get(start, ()))))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(sorted(edges.get(target, ())))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    circle = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        circle.append(member)
                        if member == node:
                            break
                    if len(circle) > 1:
                        found.append(sorted(circle))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found
