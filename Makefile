.PHONY: help test race servers lint fuzz bench mutate ci

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

test: ## all tests; with -race as in the README it is "make race"
	go test ./...
race: ## all tests under the race detector
	go test -race ./...
servers: ## the same on real servers, which are installed into a cache folder first (Debian 12)
	servers=$$(.ci/install-servers) && ASIDE_SERVERS=$$servers go test -race ./...
lint: ## vet and staticcheck, in the version that CI uses
	go vet ./... && go run "$$(sed -n 's/^staticcheck=//p' .ci/run)" ./...
fuzz: ## each fuzz target, briefly
	.ci/fuzz
bench: ## all benchmarks
	go test -run '^$$' -bench . ./...
mutate: ## break the code in one place at a time, and expect a test to fail
	go run ./internal/mutate
ci: ## everything that CI does
	bash .ci/run
