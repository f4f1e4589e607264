package main

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bgtask/bgtask/examples/primes"
)

var testContext = context.Background()

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bgtask": func() { os.Exit(realMain()) },
		"primes": func() { os.Exit(primes.Main(os.Args[1:])) }, // a program to be described
		"silent": func() {},
	})
}
