# Two commands are all that anyone needs: `make run` shows Ingle, `make test` proves it.
# What each does stands in .ci/, one script each, so that it can be read and run alone.

.PHONY: run test fmt

run:
	@bash .ci/demo

test:
	@bash .ci/test

fmt:
	@gofmt -l -w .
