// Package conformance is one test suite for what a program that uses the SDK may rely
// on, on every system. It has tests only. They run unchanged against our own broker on
// Linux and, for Windows, under Wine against the broker of internal/wine/fixture:
//
//	go test ./internal/conformance
//	GOOS=windows CGO_ENABLED=0 go test -exec "$PWD/scripts/wine" ./internal/conformance
//
// The application is the same program on both systems (directory app). The suite
// controls the system through a world (world_test.go). Where Windows differs by its
// nature, the table in differences_test.go has a row, and the suite checks the
// difference, too.
package conformance
