# `make demo` and `make test` set up what they need on a fresh Debian 12 or 13, then do their work.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
VENV := .venv
DEMO := .demo
CARD := $(DEMO)/cam-0101.img
FLASHER := env FLASHER_DATA=$(DEMO)/data $(VENV)/bin/flasher
PIP := $(VENV)/bin/pip --disable-pip-version-check install --quiet --constraint .constraints.txt

# The second column of the table is the package; the third says who needs it. Those named here bring
# no program that could be looked for: distro-info-data tells mmdebstrap which suites are Ubuntu's.
RUN_PACKAGES := python3-venv distro-info-data $(shell awk '!/^#/ && NF && $$3 != "test" {print $$2}' assets/host-tools.txt | sort -u)
TEST_PACKAGES := $(RUN_PACKAGES) ovmf tzdata $(shell awk '!/^#/ && $$3 == "test" {print $$2}' assets/host-tools.txt | sort -u)
# For tests, and not installed: servers would serve on this computer, set its clock, and look after its
# drives. The library for Go brings toml-test's documents, with which parsers are judged.
UNPACKED := chrony openssh-server golang-github-burntsushi-toml-dev
# What udisks2 needs besides has other names in each suite; apt knows them.
UDISKS = $$(apt-get -s -qq install --no-install-recommends udisks2 2> /dev/null | awk '/^Inst/ {print $$2}')
SUITE := $(VENV)/tuf-conformance
SUITE_FROM := https://github.com/theupdateframework/tuf-conformance
SUITE_COMMIT := eec841c186f81f2d9d8d30460c7e7deefa615f9e
TRIXIE_TUF := tuf==5.1.0 securesystemslib[crypto]==1.2.0
REAL := tests/rehearsal/test_first_boot.py tests/rehearsal/test_power_cuts.py tests/kit
download = apt-get -qq -o APT::Sandbox::User=root download $(UNPACKED) $(UDISKS)

install_packages = @missing=$$(for package in $(1); do \
	    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q ' installed$$' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	    echo "Installing:" $$missing; \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing \
	        > /dev/null || { echo "apt could not install them: check the network and the sources." >&2; exit 1; }; \
	fi

.PHONY: demo kit test test-all lint unit real long rig conformance soak faults languages pictures setup setup-test clean

demo: setup  ## build the base image, make a card, boot it in an emulated Pi
	@$(SUDO) $(FLASHER) build-base --out $(DEMO)
	@$(FLASHER) prepare --scanner body-16x7 --site demo --node cam-0101 \
	    --image $(DEMO)/base.img --to $(CARD) --size 4G --yes
	@$(FLASHER) rehearse --keep $(CARD)
	@echo "The card lies in $(CARD). Look at it with: $(VENV)/bin/flasher inspect $(CARD)"

kit: setup  ## the Debian package, and the folder for a USB stick; IMAGES=… for a release set that is there
	@[ -n "$(IMAGES)" ] || $(SUDO) $(FLASHER) build-base --out $(DEMO)
	@$(VENV)/bin/python -m builder.kit --images $(or $(IMAGES),$(DEMO)) $(addprefix --profile ,$(PROFILES))

test: lint unit real  ## every promise, the real build and the real boot included

test-all: test long faults  ## and other builds: twice, emulated, killed, as a user, on full disks; and for armhf

lint: setup-test
	@$(VENV)/bin/ruff check --quiet && $(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy && $(VENV)/bin/lint-imports

unit: setup-test
	@$(SUDO) $(VENV)/bin/pytest -q -p no:cacheprovider -n 2 \
	    tests/unit tests/integration tests/tui tests/faults tests/soak

real: setup-test
	@$(SUDO) $(VENV)/bin/pytest -v -p no:cacheprovider $(REAL)

long: setup-test
	@$(SUDO) $(VENV)/bin/pytest -v -p no:cacheprovider $(addprefix --deselect ,$(REAL)) \
	    tests/builds tests/rehearsal

rig: setup-test  ## a rig of four emulated nodes, from the base image through updates; all they say in .demo/rig.log
	@mkdir -p $(DEMO) && $(SUDO) env FLASHER_RIG_LOG=$(DEMO)/rig.log $(VENV)/bin/pytest -s -p no:cacheprovider \
	    tests/rehearsal/test_rig.py

# Each in an environment of its own, for the suite pins its libraries.
conformance: setup-test  ## The Update Framework's public suite on the node's client, with this project's library and with Debian 13's
	$(call install_packages,faketime git)
	@[ -d $(SUITE)/.git ] || git clone --quiet $(SUITE_FROM) $(SUITE)
	@cd $(SUITE) && git checkout --quiet $(SUITE_COMMIT)
	@python3 -m venv $(SUITE)/env && $(SUITE)/env/bin/pip --disable-pip-version-check install --quiet $(SUITE)
	@python3 -m venv $(SUITE)/trixie && $(SUITE)/trixie/bin/pip --disable-pip-version-check install --quiet $(TRIXIE_TUF)
	@for python in $(VENV) $(SUITE)/trixie; do \
	    client="/usr/bin/env PYTHONPATH=$(CURDIR) $(CURDIR)/$$python/bin/python -m autosetup.update.conformance"; \
	    (cd $(SUITE) && env/bin/pytest -q -p no:cacheprovider -c /dev/null --rootdir . tuf_conformance --entrypoint "$$client") || exit 1; done

soak: setup-test  ## builds killed, plugs pulled, a long day at the bench; FLASHER_SEED=… for other moments
	@$(SUDO) env FLASHER_KILLS=100 FLASHER_CUTS=32 FLASHER_REPLAYS=200 FLASHER_SOAK_CARDS=200 \
	    FLASHER_SEED=$(or $(FLASHER_SEED),1) $(VENV)/bin/pytest -v -s -p no:cacheprovider \
	    tests/soak tests/builds/test_killed.py tests/rehearsal/test_power_cuts.py

faults: setup-test  ## cards that fail, and the program killed while it writes, hundreds of times; FLASHER_SEED=… for others
	@$(SUDO) env FLASHER_FAULTS=231 FLASHER_CARD_KILLS=50 FLASHER_SEED=$(or $(FLASHER_SEED),1) \
	    $(VENV)/bin/pytest -q -s -p no:cacheprovider tests/faults

pictures: setup-test  ## make the guide's pictures anew, which are also those that tests compare screens with
	@UPDATE_SNAPSHOTS=1 $(VENV)/bin/pytest -q -p no:cacheprovider -n 2 \
	    $$(grep -l 'check_picture\|UPDATE_SNAPSHOTS' tests/tui/test_*.py tests/integration/fleet/board/test_*.py)

languages: setup-test  ## bring the catalogues of the wizard's words up to date with what it says
	@$(VENV)/bin/pybabel -q extract --no-location --sort-output --no-wrap -k ngettext:1,2 \
	    -o $(VENV)/flasher.pot flasher/tui
	@for language in assets/locale/*; do \
	    words=$$language/LC_MESSAGES/flasher; \
	    $(VENV)/bin/pybabel -q update --init-missing --no-fuzzy-matching --ignore-obsolete --no-wrap \
	        --ignore-pot-creation-date -l $$(basename $$language) -i $(VENV)/flasher.pot -o $$words.po && \
	    $(VENV)/bin/pybabel -q compile -i $$words.po -o $$words.mo || exit 1; done
	@$(VENV)/bin/python -m builder.kit.places

setup: $(VENV)/.run
setup-test: $(VENV)/.test

$(VENV)/.run: pyproject.toml .constraints.txt assets/host-tools.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: Debian 12 and 13 have it." >&2; exit 5; }
	$(call install_packages,$(RUN_PACKAGES))
	@python3 -m venv $(VENV)
	@$(PIP) --editable . && touch $@

$(VENV)/.test: $(VENV)/.run Makefile
	$(call install_packages,$(TEST_PACKAGES))
	@mkdir -p $(VENV)/unpacked && cd $(VENV)/unpacked && rm -f *.deb && \
	    { $(download) || { $(SUDO) apt-get update -qq && $(download); }; } && \
	    for package in *.deb; do dpkg-deb --extract $$package . || exit 1; done
	@$(PIP) --editable '.[dev]' && touch $@

clean:  ## forget the venv, the demo and the kit; kept layers stay
	@$(SUDO) rm -rf $(VENV) $(DEMO) .kit
