"""Shows that each structure rule passes on a good tree and fails on a bad one.

The trees are small Cargo workspaces in a temporary folder, with small replacements for the packages that the rules name.
"""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import rules

OURS = {
    "signalr-serverless": "shared",
    "signalr-service": "service",
    "signalr-function-runtime": "functions/runtime",
    "signalr-negotiate": "functions/negotiate",
    "signalr-bench-load": "bench/load",
}
VARIABLES = "| variable | meaning |\n|---|---|\n| `PORT` | x |\n| `AzureSignalRConnectionString`, `__clientId` | x |\n"
LIMITS_TABLE = "| flag | variable | default | past it |\n|---|---|---|---|\n| `--max-calls` | `SIGNALR_MAX_CALLS` | 1 | x |\n"
LIMITS = '#[arg(long, env = "SIGNALR_MAX_CALLS", value_parser = value_parser!(u32).range(1..))]\nmax_calls: u32,\n'
CONSTANTS = """
variables! {
    PORT = "PORT",
        "The port";
    SERVICE = "AzureSignalRConnectionString", "The service";
    CLIENT_ID = "AzureSignalRConnectionString__clientId", "Who asks";
}
"""

LAMBDA = "[features]\nlambda = []\n"


class Rules(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("Cargo.toml", '[workspace]\nresolver = "3"\nmembers = ["shared", "service", "functions/*", "bench/*"]\n'
                   'exclude = ["outside"]\n'
                   '[workspace.lints.rust]\nunsafe_code = "forbid"\n')
        for name, folder in OURS.items():
            self.package(name, folder)
        self.package("signalr-negotiate", OURS["signalr-negotiate"], LAMBDA)
        for folder in rules.WITHOUT_IO:
            self.write(f"{folder}/mod.rs", "//! Knows no tokio.\nfn at(now: Instant) {}\n")
        self.write("README.md", "# short\n")
        self.write(rules.VARIABLES_PAGE, VARIABLES)
        self.write(rules.LIMITS_PAGE, LIMITS_TABLE)
        self.write(rules.LIMITS_FILE, LIMITS)
        self.write(rules.CONSTANTS_FILE, CONSTANTS)
        self.lock()

    def test_a_good_tree_keeps_all_rules(self):
        for rule in rules.RULES:
            self.assertEqual(rule(self.root), [], rule.__doc__)

    def test_a_server_framework_under_the_sdk(self):
        for framework in rules.SERVER_FRAMEWORKS:
            self.depend("shared", framework)
            self.assertBroken(rules.sdk_knows_no_server_framework, framework)

    def test_an_http_client_under_negotiate(self):
        self.depend("functions/runtime", "reqwest")
        self.package("signalr-negotiate", "functions/negotiate",
                     LAMBDA + '[dependencies]\nsignalr-function-runtime = { path = "../runtime" }\n')
        self.lock()
        self.assertBroken(rules.negotiate_has_no_http_client, "reqwest")

    def test_a_runtime_a_socket_or_a_clock_in_the_session(self):
        for line in ["use tokio::sync;", "use std::net::TcpStream;", "use std::{net::IpAddr};",
                     "let now = Instant::now();", "let now = SystemTime::now();"]:
            self.write("service/src/session/timer.rs", f"fn f() {{}}\n    {line}\n")
            self.assertBroken(rules.protocol_and_session_are_without_io, "service/src/session/timer.rs:2")

    def test_a_folder_that_moved_away_from_its_rule(self):
        (self.root / "service/src/session/mod.rs").unlink()
        (self.root / "service/src/session").rmdir()
        self.assertBroken(rules.protocol_and_session_are_without_io, "service/src/session is missing")

    def test_a_long_file(self):
        self.write("shared/src/long.rs", "\n" * rules.LONGEST_FILE)
        self.assertEqual(rules.files_are_short(self.root), [])
        self.write("shared/src/long.rs", "\n" * (rules.LONGEST_FILE + 1))
        self.assertBroken(rules.files_are_short, "shared/src/long.rs has 601 lines")

    def test_files_that_import_each_other(self):
        circles = {
            "in use lines": {
                "lib.rs": "mod a;\nmod b;\n",
                "a.rs": "use crate::b::B;\npub struct A;\n",
                "b.rs": "use super::a::A;\npub struct B;\n",
            },
            "through others": {
                "lib.rs": "mod a;\nmod b;\nmod c;\n",
                "a.rs": "use crate::{b::B, other};\n",
                "b.rs": "use crate::c::{self, C};\n",
                "c.rs": "pub(crate) struct C;\nfn f() { let a = crate::a::A; }\n",
            },
            "a folder and its file": {
                "lib.rs": "mod a;\n",
                "a/mod.rs": "mod b;\npub struct A;\nfn f() { b::g(); }\n",
                "a/b.rs": "use super::A;\npub fn g() {}\n",
            },
            "under another name": {
                "lib.rs": "mod a;\nmod b;\n",
                "a/mod.rs": "mod inner;\npub use self::inner::Inner as Handed;\n",
                "a/inner.rs": "use crate::b::B;\npub struct Inner;\n",
                "b.rs": "use crate::a::Handed;\npub struct B;\n",
            },
            "everything at once": {
                "lib.rs": "mod a;\nmod b;\n",
                "a/mod.rs": "mod inner;\npub use inner::*;\n",
                "a/inner.rs": "use crate::b::*;\npub struct Inner;\n",
                "b.rs": "use crate::a::inner::Inner;\npub struct B;\n",
            },
            "in a program": {
                "main.rs": "mod a;\nmod b;\nfn main() {}\n",
                "a.rs": "use crate::b::B;\npub struct A;\n",
                "b.rs": "use crate::a::A;\npub struct B;\n",
            },
        }
        for name, files in circles.items():
            with self.subTest(name):
                shutil.rmtree(self.root / "shared/src")
                for path, text in files.items():
                    self.write(f"shared/src/{path}", text)
                self.assertBroken(rules.imports_form_no_circle, " imports shared/src/")

    def test_scripts_that_import_each_other(self):
        self.write("web/a.js", 'import { b } from "./inner/b.js";\n')
        self.write("web/inner/b.js", 'export { a } from "../a";\n')
        self.assertBroken(rules.imports_form_no_circle, "web/a.js imports web/inner/b.js")

    def test_what_is_no_circle(self):
        self.write("shared/src/lib.rs", "mod a;\nmod b;\npub use self::a::A;\n")
        self.write("shared/src/a/mod.rs", "mod inner;\npub(crate) use self::inner::Inner;\npub struct A;\n")
        self.write("shared/src/a/inner.rs", "// use crate::b::B;\nuse super::A;\npub struct Inner;\n")
        self.write("shared/src/b.rs", "use crate::A;\npub struct B;\n"
                                      "#[cfg(all(test, feature = \"x\"))]\nmod tests { use crate::c::C; }\n")
        self.write("shared/src/c.rs", "use crate::b::B;\npub struct C;\n#[cfg(test)]\nmod tests;\n")
        self.write("shared/src/c/tests.rs", "use super::C;\nuse crate::b::B;\n")
        self.assertEqual(rules.imports_form_no_circle(self.root), [])

    def test_unsafe_code(self):
        self.write("shared/Cargo.toml", '[package]\nname = "signalr-serverless"\nversion = "0.0.0"\n')
        self.assertBroken(rules.unsafe_code_is_forbidden, "shared/Cargo.toml")
        self.write("allocator/Cargo.toml", '[package]\nname = "signalr-allocator"\nversion = "0.0.0"\n'
                                           '[lints.rust]\nunsafe_code = "deny"\n')
        self.write("allocator/src/lib.rs", "fn a() { unsafe { b() } }\nfn c() { unsafe { b() } }\n")
        manifest = self.root / "Cargo.toml"
        members = manifest.read_text()
        manifest.write_text(members.replace("members = [", 'members = ["allocator", '))
        self.assertBroken(rules.unsafe_code_is_forbidden, "allocator/Cargo.toml")
        manifest.write_text(members.replace("forbid", "warn"))
        self.assertBroken(rules.unsafe_code_is_forbidden, "[workspace.lints.rust]")

    def test_a_dependency_that_points_the_wrong_way(self):
        self.package("signalr-service", "service",
                     '[dependencies]\nsignalr-function-runtime = { path = "../functions/runtime" }\n')
        self.lock()
        self.assertBroken(rules.dependencies_point_one_way, "signalr-service uses signalr-function-runtime")

    def test_a_product_that_builds_on_the_bench(self):
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"]:
            self.package("signalr-service", "service", f'[{kind}]\nsignalr-bench-load = {{ path = "../bench/load" }}\n')
            self.lock()
            self.assertBroken(rules.nothing_builds_on_the_bench, "signalr-service uses signalr-bench-load")

    def test_a_new_package(self):
        self.package("signalr-news", "functions/news")
        self.lock()
        self.assertBroken(rules.dependencies_point_one_way, "signalr-news is new")

    def test_a_grab_bag(self):
        for name in ["utils.rs", "common/mod.rs", "Helper.js", "session_manager/manager.rs"]:
            with self.subTest(name):
                self.write(f"shared/src/{name}", "")
                self.assertTrue(rules.names_say_what_is_inside(self.root))
                (self.root / "shared/src" / name).unlink()

    def test_a_variable_that_only_one_side_knows(self):
        self.write(rules.VARIABLES_PAGE, VARIABLES.replace("`PORT`", "`SIGNALR_PORT`"))
        self.assertBroken(rules.the_reference_lists_the_variables, "PORT is not in")
        self.assertBroken(rules.the_reference_lists_the_variables, "SIGNALR_PORT stands in")

    def test_a_limit_that_only_one_side_knows(self):
        self.write(rules.LIMITS_PAGE, LIMITS_TABLE.replace("--max-calls", "--max-call"))
        self.assertBroken(rules.the_reference_lists_the_limits, "--max-calls (SIGNALR_MAX_CALLS) is not in")
        self.assertBroken(rules.the_reference_lists_the_limits, "--max-call (SIGNALR_MAX_CALLS) stands in")

    def test_a_public_item_without_an_example(self):
        self.write("shared/src/key.rs", "/// A key.\n#[derive(Debug)]\npub struct Key;\n")
        self.assertBroken(rules.the_sdk_has_examples, "shared/src/key.rs: Key has no example")
        for documentation in ["/// ```\n/// assert!(true);\n/// ```", "/// [`Lock`] has an\n/// example."]:
            self.write("shared/src/key.rs", f"/// A key.\n{documentation}\n#[derive(Debug)]\npub struct Key;\n")
            self.assertEqual(rules.the_sdk_has_examples(self.root), [])

    def test_words_that_are_hard_to_read(self):
        for text in ["Whence the tokens come", "Whoever asks", "limits of one's own", "goes on on another", "all but for one"]:
            self.write("shared/src/words.rs", f"// {text}\n")
            self.assertBroken(rules.words_are_plain, "shared/src/words.rs:1 says")

    def test_a_long_readme(self):
        self.write("README.md", "\n" * (rules.README_LINES + 1))
        self.assertBroken(rules.the_readme_is_short, "README.md has 81 lines")

    def assertBroken(self, rule, text):
        violations = rule(self.root)
        self.assertTrue(any(text in violation for violation in violations), violations)

    def package(self, name, folder, dependencies=""):
        self.write(f"{folder}/Cargo.toml", f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\n'
                   f"[lints]\nworkspace = true\n{dependencies}")
        self.write(f"{folder}/src/lib.rs", "")

    def depend(self, folder, name):
        """Makes the package in the folder depend on a small replacement with that name, outside the workspace."""
        self.write(f"outside/{name}/Cargo.toml", f'[package]\nname = "{name}"\nversion = "0.0.0"\n')
        self.write(f"outside/{name}/src/lib.rs", "")
        ours = {path: name for name, path in OURS.items()}[folder]
        self.package(ours, folder, f'{LAMBDA}[dependencies]\n{name} = {{ path = "{self.root}/outside/{name}" }}\n')
        self.lock()

    def lock(self):
        subprocess.run(["cargo", "generate-lockfile", "--offline", "--quiet"], cwd=self.root, check=True)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


if __name__ == "__main__":
    unittest.main()
