package main

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var testContext = context.Background()

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bgtask": func() { os.Exit(realMain()) },
	})
}
