# make         lists the targets

.DEFAULT_GOAL := help
GO ?= go

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## bin/bgtask
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/bgtask ./cmd/bgtask

install: ## bgtask into $GOBIN
	CGO_ENABLED=0 $(GO) install -trimpath ./cmd/bgtask

test: ## everything: vet, unit, transcripts, simulation, scripts, end to end, with the race detector; the Windows side under Wine
	$(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=windows GOARCH=arm64 $(GO) vet ./...
	$(GO) test -race -count=1 -timeout 40m ./... # go does not see that tests build the programs that they run: nothing is from its cache
	$(GO) test -run '^TestLargePackages$$' ./msix # its memory is measured without the race detector
	cd msix/relictest && $(GO) vet ./... && $(GO) test ./... # a module of its own: relic is for the judge only
	$(GO) test ./internal/sim # 2,000 histories: without the race detector there is time for all
	./scripts/test-windows

demo: build ## the whole story in twenty seconds, in a temporary folder
	bin/bgtask demo

bench: build ## the figures, each beside the machine's own floor
	CGO_ENABLED=0 $(GO) build -o bin/bench ./bench
	bin/bench -bgtask bin/bgtask

fuzz: ## a minute for everything that reads bytes
	./scripts/fuzz 60s

lint: ## golangci-lint and deadcode, at the versions in tools/go.mod
	./scripts/lint

generate: ## protocol code and the tables of doc/COMPATIBILITY.md
	$(GO) generate ./...

.PHONY: help build install test demo bench fuzz lint generate
