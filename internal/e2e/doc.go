// Package e2e tests the whole: the bgtask binary as the broker and the command
// line, with processes, sockets and disks as they are. It has tests only.
//
// The test binary is also the program of the packages that the tests install: a
// copy of it called "app" does what its first argument says (app_test.go). Its
// runs write what they do to a journal, with the kernel's clock and locks, so that
// what the broker says is judged by what happened.
//
// The causes of triggers are real, too: files, connections, routes and devices of a
// network namespace; or python-dbusmock plays the service that tells of them
// (causes_*_test.go). A machine that sleeps is played by the answers to the binary's
// system calls, since no test can send the machine that it runs on to sleep
// (clock_test.go).
//
//	go test ./internal/e2e -run Storm -args -seed 4711    the same storm again
//	go test ./internal/e2e -args -bgtask $PWD/bin/bgtask of a binary that is there
//
// Each test has a world of its own (world_test.go): a home directory, a broker, a
// user at the command line. Nothing of it may be left when the test has ended.
package e2e
