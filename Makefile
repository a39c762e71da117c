# jobsweep: see `make help`. One file, no recursion; a new .c or test is found by its place in the tree.

VARIANT ?= release
CC      ?= gcc
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   := build/$(VARIANT)

LAYERS := base model policy engine net aws ledger app
PROGRAMS := jobsweep jobsweepd iotsim
PACKAGES := libcurl libuv openssl yaml-0.1 json-c sqlite3 libzstd

# What `make deps` installs on Debian 12: to build, to test, to compare with.
DEPS_BUILD := gcc libc6-dev make pkg-config libcurl4-openssl-dev libuv1-dev libssl-dev libyaml-dev libsqlite3-dev \
              libjson-c-dev libzstd-dev uthash-dev libmicrohttpd-dev ca-certificates python3
DEPS_TEST  := libcmocka-dev clang clang-format libclang-rt-14-dev llvm valgrind mandoc openssl systemd nghttp2-proxy \
              awscli python3-botocore python3-boto3 git tzdata zstd jq \
              python3-jsonschema python3-yaml
# What `make check-systemd` installs besides.
DEPS_SYSTEM := debootstrap systemd-container

# --- flags -----------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef \
        -Wwrite-strings -Wimplicit-fallthrough -Wpointer-arith -Wcast-align
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack

ifeq ($(VARIANT),release)
OPT := -O2 -g -D_FORTIFY_SOURCE=3
else ifeq ($(VARIANT),sanitize)
CC := clang
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDOPT := -fsanitize=address,undefined
else ifeq ($(VARIANT),coverage)
OPT := -O0 -g --coverage
LDOPT := --coverage
else ifeq ($(VARIANT),fuzz)
CC := clang
OPT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDOPT := -fsanitize=address,undefined
else
$(error VARIANT is one of release, sanitize, coverage, fuzz)
endif

# uthash's default hash function falls through its cases in a way that clang refuses; without memory it would exit(-1)
CPPFLAGS = -D_GNU_SOURCE -DHASH_FUNCTION=HASH_OAT -Duthash_malloc=mem_alloc '-Duthash_fatal(text)=mem_exhausted()' \
           -Iinclude -Itests $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CFLAGS   := -std=c11 $(OPT) $(WARN) $(HARDEN)
LDFLAGS  := $(LDHARDEN) $(LDOPT)
LDLIBS    = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpthread -lm

# --- files -----------------------------------------------------------------------------------------------

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
MAINS  := $(wildcard daemon/app/main_*.c tests/sim/main_*.c)
LIB_SRC := $(filter-out $(MAINS),$(foreach layer,$(LAYERS),$(wildcard daemon/$(layer)/*.c)))
SIM_SRC := $(filter-out $(MAINS),$(wildcard tests/sim/*.c))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c tests/bench/part_*.c)
HELP_SRC := $(filter-out $(UNIT_SRC) $(BENCH_SRC),$(wildcard tests/unit/*.c tests/bench/*.c))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
E2E_HELP := $(patsubst tests/e2e/%.c,$(BUILD)/e2e/%,$(patsubst tests/e2e/preload_%.c,$(BUILD)/e2e/preload_%.so,\
            $(wildcard tests/e2e/*.c)))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS  := $(FUZZERS:$(BUILD)/fuzz_%=$(BUILD)/fuzz/replay_%)
LAYER_LIBS := $(foreach layer,$(LAYERS),$(BUILD)/$(layer).a)
BUILT := $(patsubst daemon/app/main_%.c,$(BUILD)/%,$(patsubst tests/sim/main_%.c,$(BUILD)/%,$(MAINS)))

.PHONY: all help
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILT) ## build the programs (VARIANT=release, sanitize, coverage or fuzz) into build/VARIANT

help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define layer_archive
$(BUILD)/$(1).a: $(call object,$(filter daemon/$(1)/%,$(LIB_SRC)))
	@rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_archive,$(layer))))

$(BUILD)/libjobsweep.a: $(call object,$(LIB_SRC))
	@rm -f $@
	ar rcsD $@ $^

$(BUILD)/libsim.a: $(call object,$(SIM_SRC))
	@rm -f $@
	ar rcsD $@ $^

$(BUILD)/jobsweep $(BUILD)/jobsweepd: $(BUILD)/%: $(BUILD)/obj/daemon/app/main_%.o $(BUILD)/libjobsweep.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(MICROHTTPD) $(LDLIBS)

# The daemon's page of metrics; the command needs neither it nor the TLS library that comes with it.
$(BUILD)/jobsweepd: MICROHTTPD = $(shell pkg-config --libs libmicrohttpd)

$(BUILD)/iotsim: $(BUILD)/obj/tests/sim/main_iotsim.o $(BUILD)/libsim.a $(BUILD)/libjobsweep.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libmicrohttpd) $(LDLIBS)

$(BUILD)/libhelp.a: $(call object,$(HELP_SRC))
	@rm -f $@
	ar rcsD $@ $^

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libhelp.a $(BUILD)/libsim.a $(BUILD)/libjobsweep.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(shell pkg-config --libs libmicrohttpd) $(LDLIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libhelp.a $(BUILD)/libsim.a $(BUILD)/libjobsweep.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Programs that the tests of whole programs drive: tests/e2e/NAME.c
$(BUILD)/e2e/%: $(BUILD)/obj/tests/e2e/%.o $(BUILD)/libhelp.a $(BUILD)/libsim.a $(BUILD)/libjobsweep.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What the tests of whole programs put before the release programs with LD_PRELOAD: tests/e2e/preload_NAME.c
$(BUILD)/e2e/%.so: tests/e2e/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -fPIC -shared -o $@ $< -ldl

# tests/fuzz/fuzz_X.c: with VARIANT=fuzz a fuzzer, build/fuzz/fuzz_X; in every variant replay_X, which feeds it
# the files of tests/fuzz/corpus/X and prints TAP
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libjobsweep.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/replay_%: $(BUILD)/obj/tests/fuzz/replay.o $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libjobsweep.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

fuzzers: $(FUZZERS) # with VARIANT=fuzz

FUZZ_SECONDS ?= 30
fuzz: ## every fuzzer for FUZZ_SECONDS (30); what it finds stays in build/fuzz/found
	@$(MAKE) --no-print-directory -j2 VARIANT=fuzz fuzzers
	tests/run -t $$(($(FUZZ_SECONDS) * $(words $(FUZZERS)) + 300)) \
	    "tests/fuzz/fuzz.py $(FUZZ_SECONDS) $(patsubst $(BUILD)/%,build/fuzz/%,$(FUZZERS))"

unit: $(UNIT) ## build and run the unit tests of this VARIANT
	tests/run $(UNIT)

# --- everything that is needed, and everything that is checked ---------------------------------------------

E2E := $(sort $(shell find tests/e2e -name '*.py' -perm -u+x)) # the others are what these share

install_missing = @missing=; for p in $(1); do \
    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -z "$$missing" ]; then echo "$@: everything is installed"; exit 0; fi; \
$(SUDO) apt-get update -q && \
$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)

deps: ## install what building and testing need, by name from Debian's packages (as root or with sudo)
	$(call install_missing,$(DEPS_BUILD) $(DEPS_TEST))

deps-system: deps
	$(call install_missing,$(DEPS_SYSTEM))

# gcc builds the release and clang what is run under the sanitizers; both see every file.
check: ## build every variant and run all tests (under five minutes)
	@$(MAKE) --no-print-directory -j$(PROCESSORS) checked-release checked-sanitize
	@$(MAKE) --no-print-directory VARIANT=sanitize run-tests

PROCESSORS := $(shell nproc)
SIMULATOR := build/release/tests/test_simulator

# The unit tests are run elsewhere: here they are only compiled, but for the simulator, which runs long.
checked-release:
	@+$(MAKE) --no-print-directory VARIANT=release all compiled $(SIMULATOR)
	@+$(MAKE) --no-print-directory lint

compiled: $(call object,$(UNIT_SRC) $(BENCH_SRC) $(wildcard tests/fuzz/*.c)) $(E2E_HELP)

checked-sanitize:
	@+$(MAKE) --no-print-directory VARIANT=sanitize all tests

# Much of a whole program's test is waiting, so several run at once for each processor. Those that take longest
# go first, so that none is left alone at the end.
AT_ONCE := $(shell echo $$((3 * $$(nproc) + 1)))
LONGEST := $(addprefix tests/e2e/,control.py credentials.py programs.py service.py kills.py beside_aws.py following.py archive.py plans.py \
           disk.py awscli.py instead.py rows.py ledger.py awsroles.py state.py hostile.py history.py examples.py targets.py proxy.py) \
           $(addprefix $(BUILD)/tests/,test_sweep test_simulator test_secrets)
run-tests:
	BUILD=$(BUILD) tests/run -j$(AT_ONCE) $(LONGEST) "$(SIMULATOR) 1001 1000" "$(SIMULATOR) 2001 1000" \
	    tests/lint/test_lint.py "tests/mutants/run.py --check" $(filter-out $(LONGEST),$(E2E) $(UNIT)) $(REPLAYS)

tests: $(UNIT) $(REPLAYS) $(E2E_HELP)

demo: all ## start the simulator with a fleet, plan, sweep, and compare the report with what happened
	@tests/demo.sh $(BUILD)

check-long: check valgrind fuzz ## check, valgrind, fuzz, the long run of the simulator, and every fault of whole programs
	@$(MAKE) --no-print-directory -j2 VARIANT=sanitize tests
	JOBSWEEP_CASES=20000 tests/run -t 3000 build/sanitize/tests/test_pacing
	JOBSWEEP_CASES=100000 tests/run -t 3000 build/sanitize/tests/test_retention
	JOBSWEEP_CASES=100000 tests/run -t 3000 build/sanitize/tests/test_decisions
	JOBSWEEP_SEEDS=20000 tests/run -t 3000 build/sanitize/tests/test_grace
	JOBSWEEP_SEEDS=600 tests/run -t 3000 build/sanitize/tests/test_ledger_grace
	JOBSWEEP_KILLS=1000 JOBSWEEP_EVERY=1 JOBSWEEP_SECONDS=2700 JOBSWEEP_ROWS=1000000 tests/run -j1 -t 3000 tests/e2e/kills.py tests/e2e/disk.py tests/e2e/memory.py \
	    tests/e2e/plans.py
	JOBSWEEP_CASES=1000 tests/run -t 3000 tests/e2e/beside_aws.py
	@$(MAKE) --no-print-directory simulate
	@$(MAKE) --no-print-directory mutants

simulate: ## at least 20,000 seeds of the simulator, 10,000,000 deletions and 1,000,000 faults, on two cores
	@$(MAKE) --no-print-directory -j2 VARIANT=release $(SIMULATOR)
	tests/run -v -t 3600 "$(SIMULATOR) 1 12000" "$(SIMULATOR) 100001 12000" \
	    "$(SIMULATOR) 200001 260 large" "$(SIMULATOR) 300001 260 large"

mutants: ## bugs planted one at a time, each of which the simulator must find (tests/mutants)
	tests/mutants/run.py

check-systemd: deps-system ## the installed service under a systemd of its own, in a container (root or sudo; a Debian mirror)
	@$(MAKE) --no-print-directory -j2 VARIANT=release all
	$(SUDO) env BUILD=build/release tests/run -t 900 tests/system/boot.py

valgrind: ## the unit tests and a whole sweep of the release build under valgrind
	@$(MAKE) --no-print-directory -j2 VARIANT=release all tests
	tests/run -t 3000 "tests/valgrind.py $(UNIT)" tests/valgrind_sweep.py

# tests/bench/bench_X.c and bench_X.py print a table each; part_X belongs to one of them
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c)) $(wildcard tests/bench/bench_*.py)

bench: all $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%) ## speed, side by side with what one would use instead (ten minutes)
	@for b in $(BENCHES); do BUILD=$(BUILD) $$b || exit 1; done

lint: ## the rules of ARCHITECTURE.md and CONTRIBUTING.md: includes, purity, lengths, layout, manuals
	@$(MAKE) --no-print-directory -s $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(PROCESSORS)) VARIANT=release build/release/libjobsweep.a \
	    $(addprefix build/release/,$(addsuffix .a,base model policy engine))
	tests/lint/lint.py --engine build/release/engine.a

format: ## lay the C files out as .clang-format says
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove build/
	rm -rf build

# --- installing ------------------------------------------------------------------------------------------

# The configuration is in /etc whatever PREFIX is, because that is where the programs look.
BINDIR  := $(DESTDIR)$(PREFIX)/bin
SBINDIR := $(DESTDIR)$(PREFIX)/sbin
MANDIR  := $(DESTDIR)$(PREFIX)/share/man
DOCDIR  := $(DESTDIR)$(PREFIX)/share/doc/jobsweep
UNITDIR := $(DESTDIR)$(PREFIX)/lib/systemd/system
CONFDIR := $(DESTDIR)/etc/jobsweep
# Where the shells look, by the name that each of them wants.
BASH_COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/jobsweep
ZSH_COMPLETION  := $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_jobsweep
FISH_COMPLETION := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/jobsweep.fish
COMPLETIONS := bash:$(BASH_COMPLETION) zsh:$(ZSH_COMPLETION) fish:$(FISH_COMPLETION)

MANUALS  := $(notdir $(wildcard man/*.[158]))
EXAMPLES := $(notdir $(wildcard config/examples/*.yaml))

install: $(BUILD)/jobsweep $(BUILD)/jobsweepd ## install below PREFIX (/usr/local); the configuration, if there is none, into /etc
	install -D -m 755 -t $(BINDIR) $(BUILD)/jobsweep
	install -D -m 755 -t $(SBINDIR) $(BUILD)/jobsweepd
	for page in $(MANUALS); do install -D -m 644 -t $(MANDIR)/man$${page##*.} man/$$page || exit; done
	for part in $(COMPLETIONS); do install -D -m 644 /dev/null $${part#*:} && \
	    $(BUILD)/jobsweep completion $${part%%:*} >$${part#*:} || exit; done
	install -D -m 644 -t $(DOCDIR) README.md
	install -D -m 644 -t $(DOCDIR)/examples $(EXAMPLES:%=config/examples/%)
	install -D -m 644 -t $(DOCDIR)/examples/tests config/examples/tests/*.yaml
	install -d -m 755 $(UNITDIR) $(CONFDIR)/policies.d
	sed 's,@SBINDIR@,$(PREFIX)/sbin,' systemd/jobsweepd.service >$(UNITDIR)/jobsweepd.service
	chmod 644 $(UNITDIR)/jobsweepd.service
	test -e $(CONFDIR)/jobsweep.yaml || install -m 644 -t $(CONFDIR) config/jobsweep.yaml

uninstall: ## remove what install put there, but for the configuration
	rm -f $(BINDIR)/jobsweep $(SBINDIR)/jobsweepd $(UNITDIR)/jobsweepd.service
	rm -f $(foreach page,$(MANUALS),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))
	rm -rf $(DOCDIR)
	rm -f $(foreach part,$(COMPLETIONS),$(lastword $(subst :, ,$(part))))

.PHONY: install uninstall bench valgrind simulate mutants check-long check-systemd demo unit fuzzers fuzz deps deps-system check checked-release checked-sanitize compiled run-tests tests \
        lint format clean

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
