# Two commands are all that anyone needs: `make run` shows Ingle, `make test` proves it.
# What each does stands in .ci/, one script each, so that it can be read and run alone.

.PHONY: run test bench fmt

run:
	@bash .ci/demo

test:
	@bash .ci/test

# How fast the HomeKit server is beside another one: docs/bench/homekit.md.
bench:
	@bash .ci/bench

fmt:
	@gofmt -l -w .
