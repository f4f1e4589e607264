// Package conformance is one suite of what a program on the SDK may rely on, on
// every system. It has tests only. They run unchanged against our own broker on
// Linux, and on Windows' side, under Wine, against the broker of
// internal/wine/fixture:
//
//	go test ./internal/conformance
//	GOOS=windows CGO_ENABLED=0 go test -exec "$PWD/scripts/wine" ./internal/conformance
//
// The application is one program on both (folder app). What a system does is asked
// for through a world (world_test.go). Where Windows differs by its nature there is
// a row in the table of differences_test.go, and the suite holds that as well.
package conformance
