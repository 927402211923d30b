# `make run` and `make test` do all the set-up on a machine with Rust, Node, Python and make.

.DELETE_ON_ERROR:
.PHONY: run test check page fmt clippy doc docs docs-tests reference mdbook nginx structure rust-tests api-tests client-tests platform-tests package-tests packages lambda-packages uploads nextest chromium proxies prometheus redis cluster deny soak cluster-soak fuzz \
  deploy-tools azure-package measure-functions bench bench-quick bench-cluster bench-peers micro-benches instructions endurance faketime

# Starts everything: http://localhost:7071/ is the chat page, and /dashboard/ the dashboard. ARGS goes to `signalr dev`.
run: page
	cargo build --locked --release -p signalr-cli
	target/release/signalr dev $(ARGS)

# What the function app of Azure is built with: no Lambda.
AZURE = --no-default-features --features entra,oidc,traces

# Everything that must hold. The Rust tests' and the client tests' own summaries come last.
test: fmt clippy doc docs structure rust-tests docs-tests api-tests package-tests platform-tests client-tests

# The inner loop.
check: fmt clippy nextest faketime
	cargo nextest run --locked --workspace

fmt:
	cargo fmt --all --check

# The second is the build for Lambda behind an authorizer, the third the server as in it, the fourth
# that for Azure.
clippy:
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p signalr-negotiate --no-default-features --features lambda --all-targets -- -D warnings
	cargo clippy --locked -p signalr-http-server --all-targets -- -D warnings
	cargo clippy --locked -p signalr-function-app $(AZURE) --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# The book, in target/book, with a check of its links.
docs: mdbook
	mdbook build docs
	node --test --test-reporter=spec tests/docs/links.test.js

# Every block of code in the documentation, and what the reference says about the code.
docs-tests: tests/clients/node_modules/.package-lock.json nginx
	cargo build --locked -p signalr-cli
	node --test --test-reporter=spec --test-timeout=300000 --test-concurrency=3 tests/docs/*.test.js

# Writes the parts of the reference that the code itself says: help texts, operations, error codes.
reference:
	cargo build --locked -p signalr-cli
	node tests/docs/reference.js
	node tests/docs/local-http.js

mdbook:
	command -v mdbook >/dev/null || cargo install --locked mdbook@0.5.2 --no-default-features --features search

nginx:
	tests/docs/install-nginx

structure:
	python3 -B tests/structure/self_test.py
	python3 -B tests/structure/check.py

rust-tests: nextest faketime redis
	cargo test --locked --workspace --doc
	cargo nextest run --locked --workspace

# An API fuzzer on the service's own description.
api-tests: tests/api/.venv/bin/schemathesis
	cargo build --locked -p signalr-cli
	python3 -B tests/api/fuzz.py target/debug/signalr $< 20

tests/api/.venv/bin/schemathesis: tests/api/requirements.txt
	python3 -m venv tests/api/.venv
	tests/api/.venv/bin/pip install --quiet --requirement $<
	touch $@

# Each decoder of bytes from outside, for FUZZ_SECONDS each.
FUZZ_SECONDS ?= 600
fuzz:
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz@0.13.1
	for target in $$(cargo fuzz list); do \
	  cargo fuzz run --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

# Clients of every transport that come and go, for SECONDS; WORK is a factor. Prints the memory and its slope.
SECONDS ?= 600
WORK ?= 1
soak:
	cargo build --locked --release -p signalr-cli
	cargo run --locked --release -p signalr-service --example soak -- target/release/signalr $(SECONDS) $(WORK)

# A cluster at full size: 20 crashes of the broker with 10,000 users, and a node that stands still for 30
# seconds. The bounds are those of a quiet machine.
cluster-soak: tests/clients/node_modules/.package-lock.json redis
	cargo build --locked --release -p signalr-cli
	cd tests/clients && SIGNALR_BIN=$(CURDIR)/target/release/signalr BROKER_CRASH_USERS=10000 BROKER_CRASHES=20 FROZEN_SECONDS=30 \
	  node --test --test-reporter=spec --test-timeout=600000 --test-concurrency=1 broker-crashes.test.js cluster.test.js

# What the service must survive, at full size: some minutes each. SCENARIOS names some of them.
endurance: faketime
	cargo build --locked --release -p signalr-cli
	cargo run --locked --release -p signalr-endurance -- target/release/signalr full $(SCENARIOS)

faketime:
	endurance/install-faketime

# The service beside the least that a server can cost, in five rounds, written to bench/results.md; then each
# bar, in three, written to bench/bars.md. BARS chooses bars by parts of their names, which are only printed.
bench:
	$(if $(BARS),,python3 -B bench/compare.py)
	python3 -B bench/bars.py $(BARS)

# Nodes on Redis beside a service without a broker, in three rounds, written to bench/cluster.md. BARS chooses
# bars by parts of their names, which are only printed.
bench-cluster: redis nginx
	python3 -B bench/cluster.py $(BARS)

# Servers of others beside the service: ws, socket.io, nginx with nchan, a negotiate endpoint in Node. Written
# to bench/peers.md. PEERS chooses some, which are only printed.
bench-peers:
	python3 -B bench/peers.py $(PEERS)

# Single steps: encoding, tokens, dispatch, filters.
micro-benches:
	cargo bench --locked -p signalr-serverless --no-default-features --bench tokens
	cargo bench --locked -p signalr-service --features measured --bench steps

# One short round of the same, printed only.
bench-quick:
	python3 -B bench/compare.py --quick

# Instructions of the service by valgrind, which hardly change from run to run. BASE=COMMIT compares with that commit.
instructions:
	python3 -B bench/instructions.py $(if $(BASE),--base '$(BASE)')

# The stock clients run against the debug build of the command; the page is the built one. What does not
# look into one process runs again with three nodes: callers at the first, clients at the others.
client-tests: page tests/clients/node_modules/.package-lock.json tests/clients/python/.venv/installed chromium proxies prometheus redis
	cargo build --locked -p signalr-cli
	cargo build --locked -p signalr-function-app
	cargo build --locked -p signalr-service --example app-server
	cd tests/clients && npm test
	cd tests/clients && npm run test:cluster

# Refusals of large bodies, a hundred of each kind: each must reach its caller.
uploads: tests/clients/python/.venv/installed
	cargo build --locked -p signalr-cli
	cd tests/clients && UPLOAD_TRIES=100 node --test --test-reporter=spec uploads.test.js

tests/clients/python/.venv/installed: tests/clients/python/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

# The functions under cargo-lambda, SAM, a host of Azure Functions and an OpenID Connect server.
platform-tests: deploy-tools tests/platforms/node_modules/.package-lock.json
	cargo build --locked -p signalr-cli
	cargo build --locked -p signalr-function-app $(AZURE)
	cd tests/platforms && npm test

# cargo-lambda and SAM, in .venv-deploy/bin.
deploy-tools: .venv-deploy/installed

.venv-deploy/installed: functions/deploy-tools.txt
	python3 -m venv .venv-deploy
	.venv-deploy/bin/pip install --quiet --requirement $<
	touch $@

# The zip for `func azure functionapp publish` and zip deploy. TRIGGERS names more of functions/triggers/.
# It is linked by cargo-lambda, so that it runs on systems older than this one; Azure's are x86-64.
azure-package: deploy-tools
	PATH="$(CURDIR)/.venv-deploy/bin:$$PATH" cargo lambda build --locked --release \
	  --target x86_64-unknown-linux-gnu --package signalr-function-app $(AZURE)
	python3 -B functions/package.py target/lambda/function-app/bootstrap target/function-app.zip \
	  $(TRIGGERS:%=--trigger %)

# Size, time from exec to the first answer, and memory of each function, beside a bare hello.
measure-functions:
	python3 -B functions/measure.py

# What people install, in target/packages: the static binary and the Debian package with it.
packages: page
	RUSTFLAGS="-C target-feature=+crt-static" \
	  cargo build --locked --release --target x86_64-unknown-linux-gnu -p signalr-cli
	command -v cargo-deb >/dev/null || cargo install --locked cargo-deb@3.8.0
	mkdir -p target/packages
	cargo deb --quiet --package signalr-cli --no-build --target x86_64-unknown-linux-gnu --output target/packages/signalr.deb

# The functions as zips for Lambda, in target/packages, for packaging/terraform.
lambda-packages: deploy-tools
	mkdir -p target/packages
	for name in negotiate broadcast group-admin; do \
	  (cd functions/$$name && PATH="$(CURDIR)/.venv-deploy/bin:$$PATH" \
	    cargo lambda build --locked --release --output-format zip --bin $$name) && \
	  cp target/lambda/$$name/bootstrap.zip target/packages/$$name.zip || exit 1; \
	done

# The packages are installed and started; the chart is checked with Kubernetes' schemas.
package-tests: packages tests/packages/node_modules/.package-lock.json tests/packages/.venv/installed
	tests/packages/install-tools
	cd tests/packages && npm test

tests/packages/.venv/installed: tests/packages/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

# Licences, sources and bans of all dependencies.
deny:
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny@0.20.2
	cargo deny --locked check bans licenses sources

page: web/dist/index.html

PAGES = web/build.js web/vite.config.js web/colours.css $(wildcard web/chat/*) $(shell find web/dashboard -type f)

web/dist/index.html: web/node_modules/.package-lock.json $(PAGES)
	cd web && npm run build

# npm writes this file last, so it is there only after a complete install.
%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	cd $* && npm ci
	touch $@

nextest:
	command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest@0.9.151

prometheus:
	tests/clients/install-prometheus

chromium:
	tests/clients/install-chromium

proxies:
	tests/clients/install-proxies

redis:
	tests/cluster/install-redis

# Redis, three nodes, nginx in front of them and the chat page through it, for a look. Ctrl-C ends it.
cluster: page redis
	cargo build --locked --release -p signalr-cli
	python3 -B tests/cluster/start.py target/release/signalr
