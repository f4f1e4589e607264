// SampleBackgroundApp is the sample of Microsoft's page "Create and register a
// winmain COM background task". Built into this folder it completes the package:
//
//	cd examples/primes && go build -o SampleBackgroundApp/ ./SampleBackgroundApp && bgtask install .
package main

import (
	"os"

	"github.com/bgtask/bgtask/examples/primes"
)

func main() { os.Exit(primes.Main(os.Args[1:])) }
