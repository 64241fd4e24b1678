# Two commands are all that anyone needs: `make run` shows Ingle, `make test` proves it.
# What each does stands in .ci/, one script each, so that it can be read and run alone.

.PHONY: run test soak bench package windows fmt

run:
	@bash .ci/demo

test:
	@bash .ci/test

# Hours instead of minutes, for the tests that gain by it.
soak:
	@bash .ci/soak

# How fast the HomeKit server, cameras, the store and the app are: docs/bench/.
bench:
	@bash .ci/bench

# The app as a Linux desktop installs it, and for Windows: bin/.
package:
	@bash .ci/package linux

windows:
	@bash .ci/package windows

fmt:
	@gofmt -l -w .
