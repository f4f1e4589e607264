// Package e2e tests the whole system: the bgtask binary as the broker and as the
// command line, with real processes, sockets and disks. It has tests only.
//
// The test binary is also the program of the packages that the tests install: a copy of
// it called "app" does what its first argument says (app_test.go). Its runs write what
// they do to a journal, using the kernel's clock and locks, so the tests compare the
// broker's reports with what really happened.
//
// The causes of triggers are real, too: files, connections, routes and devices of a
// network namespace. Where a service reports the cause, python-dbusmock takes the place
// of the service (causes_*_test.go). No test can put the machine that it runs on to
// sleep, so the tests simulate sleep in their answers to the binary's system calls
// (clock_test.go).
//
//	go test ./internal/e2e -run Storm -args -seed 4711              repeat a storm
//	go test ./internal/e2e -args -bgtask $PWD/bin/bgtask            test an existing binary
//
// Each test has its own world (world_test.go): a home directory, a broker, and a user
// at the command line. Nothing of it may remain when the test has ended.
package e2e
