# The words people type. What they do is CMake's (CMakePresets.json), scripts/setup's and tests/run's.
#
# `make CI=true ...` treats warnings as errors. `make run ARGS="--port 4000"` passes options on.

MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
ROUNDS ?= 5000
STRICT := $(if $(CI),-DYSYNC_WERROR=ON)

build = cmake --preset $(1) -Wno-dev --log-level=WARNING $(STRICT) $(2) && cmake --build build/$(1) -j $(JOBS)
npm = cd tests/clients && npm ci --no-fund --no-audit --loglevel=error

.PHONY: all run test test-unit test-asan test-tsan test-clients test-slow warnings bench bench-server bench-store fuzz fuzz-diff install \
	format clean help release debug asan tsan fuzzers node-modules

all: release ## build the program and the library into build/release

run: release ## install what is missing, build, and serve (ARGS="--port 4000" are passed on)
	@exec build/release/ysync serve $(ARGS)

test: release debug asan tsan node-modules ## run all tests but the slow ones (fuzzing if clang has libFuzzer)
	@if scripts/setup --check fuzz; then $(call build,fuzz); fi
	@tests/run unit:debug unit:asan unit:tsan hardened:release fuzz:30 clients:release clients:asan clients:tsan

test-unit: debug ## run the unit tests
	@tests/run unit:debug

test-asan: asan ## run the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tests/run unit:asan

test-tsan: tsan node-modules ## run the unit tests and real clients under ThreadSanitizer
	@tests/run unit:tsan clients:tsan

test-clients: debug node-modules ## run real Yjs clients against the server
	@tests/run clients:debug

test-slow: debug node-modules ## run the tests that take minutes
	@tests/run slow:debug

warnings: ## build with clang too, warnings being errors
	@scripts/setup build test clang
	@$(call build,clang,-DYSYNC_WERROR=ON)

bench: release node-modules ## measure documents
	@bench/run

bench-server: release node-modules ## measure servers under load, beside others (ARGS="--quick" are passed on)
	@bench/run server $(ARGS)

bench-store: release node-modules ## measure documents that survive, beside others (ARGS="--quick" are passed on)
	@bench/run store $(ARGS)

fuzz: fuzzers ## run the fuzz targets for FUZZ_SECONDS together
	@tests/run fuzz:$(FUZZ_SECONDS)

fuzz-diff: asan node-modules ## play ROUNDS random histories against Yjs 13 and 14
	@YSYNC_ROUNDS=$(ROUNDS) tests/run diff:asan

install: release ## install under PREFIX (/usr/local; DESTDIR works)
	@cmake --install build/release

format: ## lay the C code out as .clang-format says
	@clang-format -i $$(git ls-files '*.[ch]')

clean: ## remove all that was built
	@rm -rf build tests/clients/node_modules bench/node_modules

help: ## list these
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

release:
	@scripts/setup build
	@$(call build,release,-DYSYNC_TESTS=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX))

debug:
	@scripts/setup build test
	@$(call build,debug)

asan:
	@scripts/setup build test
	@$(call build,asan)

tsan:
	@scripts/setup build test
	@$(call build,tsan)

fuzzers:
	@scripts/setup build fuzz
	@$(call build,fuzz)

node-modules:
	@scripts/setup clients
	@test tests/clients/node_modules/.package-lock.json -nt tests/clients/package-lock.json || ($(npm))
