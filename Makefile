# make         lists the targets

.DEFAULT_GOAL := help
GO ?= go
TESTFLAGS ?=

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## build bin/bgtask, statically linked
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/bgtask ./cmd/bgtask

install: ## install bgtask into $GOBIN
	CGO_ENABLED=0 $(GO) install -trimpath ./cmd/bgtask

demo: build ## take a 20-second tour in a temporary directory
	bin/bgtask demo

test: ## run all tests that this machine can run, and list the others (TESTFLAGS=-short: the quick ones)
	./scripts/test $(TESTFLAGS)

setup: ## install the packages that the tests need, with apt, dnf, pacman or apk
	./scripts/setup

lint: ## run golangci-lint and deadcode, at the versions in tools/go.mod
	./scripts/lint

bench: build ## measure, each figure beside the limit of this machine
	CGO_ENABLED=0 $(GO) build -o bin/bench ./bench
	bin/bench -bgtask bin/bgtask

fuzz: ## fuzz everything that reads bytes, a minute each
	./scripts/fuzz 60s

generate: ## generate the protocol code and the tables of doc/COMPATIBILITY.md
	$(GO) generate ./...

.PHONY: help build install demo test setup lint bench fuzz generate
